"""Phones, hubs and a server at random: messages lost and repeated, clocks wrong, a restore."""

import random
from copy import copy

import pytest

from hotspot.model.aliases import natural_key, renamed
from hotspot.model.merge import Pending
from hotspot.model.records import Record, make
from tests.model.builders import at, uuid, verse
from tests.model.replicas import Node, answered, encoded, fetch, judged, open_batch

RUNS = 400


class Village:
    """One random run. Time is in milliseconds; every node's clock is off by its own amount."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.server = Node("server")
        hubs = [Node("hub-1", self.server), Node("hub-2", self.server)]
        if self.random.random() < 0.3:
            hubs.append(Node("hub-3", hubs[0]))
        count = self.random.randint(2, 4)
        self.phones = [Node(f"phone-{n}", self.random.choice(hubs)) for n in range(count)]
        self.clients = [*self.phones, *hubs]
        offsets = [0, 0, 0, 300, -5_000, 10**9, -(10**9)]
        self.offset = {node.name: self.random.choice(offsets) for node in self.clients}
        self.now = 10**10
        self.built_on: dict[object, set[object]] = {"start": set()}
        self.created = 0
        for number in range(1, self.random.randint(2, 4)):
            self.server.put(verse("start", number=number))

    def edit(self) -> None:
        phone = self.random.choice(self.phones)
        rows = [row for row in phone.rows.values() if row.key not in phone.aliases]
        if not rows:
            return
        current = self.random.choice(rows)
        text, base = f"edit {len(self.built_on)}", current.values["verse_text"]
        stamp = at(self.now + self.offset[phone.name])
        gone = stamp if self.random.random() < 0.1 else None
        edit = make(current, stamp, {**current.values, "verse_text": text, "deleted_at": gone})
        if holder(phone, edit) not in (None, edit.id):
            return
        self.built_on[text] = {base, *self.built_on[base]}
        phone.pending.setdefault(edit.key, Pending(current.version))
        phone.edited.add(edit.key)
        phone.put(edit)

    def create(self) -> None:
        """A verse that nobody may have yet, under an id of the phone's own."""
        phone = self.random.choice(self.phones)
        self.created += 1
        text, number = f"new {self.created}", self.random.choice([50, 51])
        new = renamed(verse(text, number=number), uuid(1_000 + self.created))
        if holder(phone, new) is not None:
            return
        new = new.stamped(at(self.now + self.offset[phone.name]))
        self.built_on[text] = set()
        phone.pending[new.key] = Pending(None)
        phone.edited.add(new.key)
        phone.put(new)

    def exchange(self, node: Node, *, calm: bool) -> None:
        batch = open_batch(node)
        assert node.up is not None
        if batch is not None and (calm or self.random.random() > 0.2):
            name = node.up.name
            arguments = (
                encoded(batch[1]),
                self.now + self.offset.get(name, 0),
                self.now + self.offset[node.name],
            )
            results = node.up.receive_batch(batch[0], *arguments)
            if not calm and self.random.random() < 0.2:
                node.up.receive_batch(batch[0], *arguments)
            if not calm and self.random.random() < 0.3:
                self.edit()
            if calm or self.random.random() > 0.2:
                answered(node, judged(results), self.now + self.offset[node.name])
        # As in a session: the feed is read when the answers are there.
        if node.outbox is None and (calm or self.random.random() > 0.3):
            limit = 1000 if calm else self.random.randint(1, 3)
            fetch(node, limit, self.now + self.offset[node.name])

    def restore(self, backup: Node) -> None:
        """The server goes back to a backup; what only it had is the backup's business."""
        held = {node.rows[key].version for node in self.clients for key in node.rows}
        lost = [row for row in self.server.rows.values() if row.version not in held]
        self.server.losers += lost
        self.server.rows, self.server.feed = dict(backup.rows), dict(backup.feed)
        self.server.answers, self.server.seq = dict(backup.answers), backup.seq
        self.server.former, self.server.aliases = dict(backup.former), dict(backup.aliases)
        self.server.epoch += 1

    def live(self) -> None:
        backup = None
        for _ in range(self.random.randint(5, 60)):
            self.now += self.random.choice([100, 400, 2_000, 60_000])
            chance = self.random.random()
            if chance < 0.03:
                backup = copy(self.server)
                backup.rows, backup.feed = dict(self.server.rows), dict(self.server.feed)
                backup.answers, backup.former = dict(self.server.answers), dict(self.server.former)
                backup.aliases = dict(self.server.aliases)
            elif chance < 0.04 and backup is not None and covers(backup, self.server):
                self.restore(backup)
            elif chance < 0.1:
                self.create()
            elif chance < 0.4:
                self.edit()
            else:
                self.exchange(self.random.choice(self.clients), calm=False)
        for _ in range(12):
            for node in self.clients:
                self.exchange(node, calm=True)

    def lost(self) -> set[object]:
        """Texts that no row shows, no loser keeps, and nobody built upon."""
        rows = [*self.server.rows.values(), *self.server.losers]
        rows += [row for node in self.clients for row in [*own_rows(node), *node.losers]]
        shown = {row.values["verse_text"] for row in rows}
        known = shown.union(*(self.built_on[text] for text in shown))
        return self.built_on.keys() - known


def holder(node: Node, record: Record) -> str | None:
    """The id of the live row that has this record's natural key."""
    key = natural_key(record)
    assert key is not None
    row = node.holders([key]).get(key)
    return row.id if row is not None else None


def covers(backup: Node, server: Node) -> bool:
    """Whether the backup has all records: what clients do about others, digests find out."""
    return backup.rows.keys() == server.rows.keys()


def own_rows(node: Node) -> list[Record]:
    """The rows of a node, without what only says that an id is an alias."""
    return [row for key, row in node.rows.items() if key not in node.aliases]


def live(node: Node) -> dict[object, str]:
    return {key: row.version for key, row in node.rows.items() if not row.deleted}


@pytest.mark.parametrize("batch", range(4))
def test_replicas_end_equal_and_no_text_is_lost(batch: int) -> None:
    for seed in range(batch * RUNS // 4, (batch + 1) * RUNS // 4):
        village = Village(seed)
        village.live()
        truth = live(village.server)
        for node in village.clients:
            assert not node.pending, (seed, node.name)
            assert live(node) == truth, (seed, node.name)
            for row in own_rows(node):
                if row.key in village.server.aliases:
                    continue
                theirs = village.server.rows.get(row.key, row)
                assert row.version == theirs.version, (seed, node.name)
        held = [natural_key(village.server.rows[key]) for key in truth]
        assert len(held) == len(set(held)), seed
        assert not village.lost(), seed
