"""Phones, hubs and a server at random: messages lost and repeated, clocks wrong, a restore."""

import random
from copy import copy

import pytest

from hotspot.model.merge import Pending
from hotspot.model.records import Key, make
from tests.model.builders import at, verse
from tests.model.replicas import Node, answered, encoded, fetch, open_batch

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
        self.keys: list[Key] = []
        for number in range(1, self.random.randint(2, 4)):
            first = verse("start", number=number)
            self.server.put(first)
            self.keys.append(first.key)

    def edit(self) -> None:
        phone, key = self.random.choice(self.phones), self.random.choice(self.keys)
        current = phone.rows.get(key)
        if current is None:
            return
        text, base = f"edit {len(self.built_on)}", current.values["verse_text"]
        self.built_on[text] = {base, *self.built_on[base]}
        stamp = at(self.now + self.offset[phone.name])
        gone = stamp if self.random.random() < 0.1 else None
        edit = make(current, stamp, {**current.values, "verse_text": text, "deleted_at": gone})
        phone.pending.setdefault(key, Pending(current.version))
        phone.edited.add(key)
        phone.put(edit)

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
                answered(node, results)
        if calm or self.random.random() > 0.3:
            fetch(node, 1000 if calm else self.random.randint(1, 3))

    def restore(self, backup: Node) -> None:
        """The server goes back to a backup; what only it had is the backup's business."""
        held = {node.rows[key].version for node in self.clients for key in node.rows}
        lost = [row for row in self.server.rows.values() if row.version not in held]
        self.server.losers += lost
        self.server.rows, self.server.feed = dict(backup.rows), dict(backup.feed)
        self.server.answers, self.server.seq = dict(backup.answers), backup.seq
        self.server.former = dict(backup.former)
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
            elif chance < 0.04 and backup is not None:
                self.restore(backup)
            elif chance < 0.4:
                self.edit()
            else:
                self.exchange(self.random.choice(self.clients), calm=False)
        for _ in range(12):
            for node in self.clients:
                self.exchange(node, calm=True)

    def lost(self) -> set[object]:
        """Texts that no row shows, no loser keeps, and nobody built upon."""
        nodes = [self.server, *self.clients]
        rows = [row for node in nodes for row in [*node.rows.values(), *node.losers]]
        shown = {row.values["verse_text"] for row in rows}
        known = shown.union(*(self.built_on[text] for text in shown))
        return self.built_on.keys() - known


@pytest.mark.parametrize("batch", range(4))
def test_replicas_end_equal_and_no_text_is_lost(batch: int) -> None:
    for seed in range(batch * RUNS // 4, (batch + 1) * RUNS // 4):
        village = Village(seed)
        village.live()
        truth = {key: row.version for key, row in village.server.rows.items()}
        for node in village.clients:
            assert not node.pending, (seed, node.name)
            assert {key: row.version for key, row in node.rows.items()} == truth, (seed, node.name)
        assert not village.lost(), seed
