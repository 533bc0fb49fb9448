"""The clock rules at random: phones years off, a hotspot without a battery clock that reboots, an
upstream that knows the time. Every edit is in conflict with every other: the one that was truly
last wins, or a person is asked.
"""

import random
from collections import Counter
from dataclasses import dataclass

from msgspec.structs import replace

from hotspot.model import instants, timeline
from hotspot.model.edits import Sender
from hotspot.model.merge import Edit, Status, decide
from hotspot.model.records import Record
from hotspot.model.stores import Device
from hotspot.model.timeline import Boot, Dating, Timeline, date
from tests.model.builders import START_MS, uuid, verse

RUNS = 3_000
DELAY_MS = 2_000
"""How long a request is on its way at most: so far two stamps may be off that are exact."""
PHONE = Device(id=uuid(99), name="Ana's phone", role="editor")
YEARS = 3 * 10**11


@dataclass
class Held:
    """One edit at the hotspot. `made`: when, in truth."""

    record: Record
    dating: Dating | None
    boot: int
    made: int


class Hotspot:
    """Its timeline, its boots and its edits. Times in `true` are what the model alone knows."""

    def __init__(self, true: int) -> None:
        self.boots: list[tuple[int, int, int | None]] = []
        self.floor = self.known = START_MS
        self.edits: list[Held] = []
        self.boot(true)

    def boot(self, true: int) -> None:
        """Power comes back; what went on meanwhile is not known."""
        self.began = true
        self.boots.append((self.known, true, None))
        self.line = timeline.start(self.floor, 0)

    def mono(self, true: int) -> int:
        return true - self.began

    def receive(self, true: int, phone_now: int, stamp: int, made: int) -> None:
        sender = Sender(
            device=PHONE,
            now=instants.from_ms(self.line.at(self.mono(true))),
            mono_ms=self.mono(true),
            boot_id=str(len(self.boots)),
            trusted=self.line.trusted,
            sender_now=instants.from_ms(phone_now),
        )
        told = instants.from_ms(stamp)
        received = sender.received(told).stamp
        record = verse(f"edit {len(self.edits)}").stamped(received)
        self.edits.append(Held(record, sender.dating(received, told), len(self.boots) - 1, made))
        self.floor = max(self.floor, self.line.at(self.mono(true)))

    def learn(self, true: int) -> None:
        """The upstream tells the time: everything that waits is dated."""
        self.line = timeline.learn(self.line, true, self.mono(true))
        self.floor = self.known = true
        after, began, _ = self.boots[-1]
        self.boots[-1] = (after, began, self.line.at(0))
        for edit in self.edits:
            self._date(edit, self.line)

    def _date(self, edit: Held, line: Timeline) -> None:
        if edit.dating is not None:
            after, _, zero = self.boots[edit.boot]
            dated = date(edit.dating, Boot(after, zero), line.at(0))
            stamped = edit.record if dated.stamp is None else edit.record.stamped(dated.stamp)
            edit.record, edit.dating = replace(stamped, doubt_ms=dated.doubt_ms), None


def live(chance: random.Random) -> Hotspot:
    true = START_MS + chance.randrange(10**9)
    hotspot = Hotspot(true)
    if chance.random() < 0.5:
        hotspot.learn(true)
    phones = [
        chance.choice([0, 0, 0, YEARS, -YEARS, 90_000, -90_000]) + chance.randint(-500, 500)
        for _ in range(3)
    ]
    for _ in range(chance.randint(2, 6)):
        made = true + chance.choice([1_000, 30_000, 600_000, 86_400_000])
        sent = made + chance.choice([500, 60_000, 7_200_000])
        true = sent + chance.randint(0, DELAY_MS)
        off = chance.choice(phones)
        hotspot.receive(true, sent + off, made + off, made)
        if chance.random() < 0.3:
            true += chance.choice([10_000, 86_400_000])
            hotspot.boot(true)
        if chance.random() < 0.15:
            hotspot.learn(true)
    hotspot.learn(true + 5_000)
    return hotspot


def outcome(hotspot: Hotspot) -> str:
    """What the upstream makes of the edits, none of which was made on another."""
    current, asked = None, False
    for edit in hotspot.edits:
        decision = decide(current, Edit(record=edit.record))
        current, asked = decision.record, asked or decision.status is Status.MANUAL_REQUIRED
    if asked:
        return "asked"
    made = {edit.record.hash: edit.made for edit in hotspot.edits}
    assert current is not None
    behind = max(made.values()) - made[current.hash]
    return "right" if behind <= DELAY_MS + 1_000 else "wrong"


def test_the_edit_that_was_truly_last_wins_or_a_person_is_asked() -> None:
    found = Counter(outcome(live(random.Random(seed))) for seed in range(RUNS))
    assert found["wrong"] == 0
    assert min(found["right"], found["asked"]) > RUNS // 10, found
