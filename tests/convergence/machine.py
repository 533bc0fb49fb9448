"""The world as hypothesis drives it."""

from collections.abc import Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hotspot.model.conflicts import Choice
from tests.convergence.checks import check, exchange_all
from tests.convergence.network import Fate
from tests.convergence.world import World

PLACES = st.integers(0, 5)
TWO = st.integers(0, 1)
FATES = st.lists(st.sampled_from(Fate), max_size=4)
CUTS = st.none() | st.tuples(st.integers(1, 6), st.booleans())
YEARS = 3 * 10**11
OFFSETS = st.sampled_from([0, 300, -5_000, 10**9, -(10**9), YEARS, -YEARS])
PHONES = st.lists(st.tuples(TWO, OFFSETS, st.booleans(), st.booleans()), min_size=2, max_size=3)
PAUSES = st.sampled_from([100, 400, 2_000, 60_000, 7_200_000])


class Machine(RuleBasedStateMachine):
    """`kind`: of the server."""

    kind = "sqlite"
    world: World | None = None
    broken = False

    @initialize(chained=st.booleans(), phones=PHONES)
    def begin(self, chained: bool, phones: list[tuple[int, int, bool, bool]]) -> None:
        self.world = World(self.kind, chained=chained)
        self._do(self.world.start(phones))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Lets it happen; nothing is checked any more once something went wrong."""
        assert self.world is not None
        self.broken = True
        self.world.run(work)
        self.broken = False

    def _phone(self, which: int) -> Any:
        assert self.world is not None
        return self.world.phones[which % len(self.world.phones)]

    @rule(ms=PAUSES)
    def wait(self, ms: int) -> None:
        self.world.truth.ms += ms

    @rule(phone=PLACES, verse=PLACES, kind=st.sampled_from(["text", "text", "status", "delete"]))
    def edit(self, phone: int, verse: int, kind: str) -> None:
        self.world.edit(self._phone(phone), verse, kind)

    @rule(phone=PLACES, verse=TWO)
    def create(self, phone: int, verse: int) -> None:
        self.world.create(self._phone(phone), verse)

    @rule(phone=PLACES, page=st.sampled_from([1, 2, 1_000]), fates=FATES)
    def exchange(self, phone: int, page: int, fates: list[Fate]) -> None:
        self._do(self.world.exchange(self._phone(phone), page, fates))

    @rule(hub=TWO, fates=FATES, cut=CUTS)
    def sync(self, hub: int, fates: list[Fate], cut: tuple[int, bool] | None) -> None:
        self._do(self.world.sync(self.world.hubs[hub], fates, cut))

    @rule(hub=TWO)
    def sync_calmly(self, hub: int) -> None:
        self._do(self.world.sync(self.world.hubs[hub], [], None))

    @rule(phone=PLACES, off_ms=OFFSETS)
    def set_clock(self, phone: int, off_ms: int) -> None:
        self._phone(phone).off_ms = off_ms

    @rule(hub=TWO, rebooted=st.booleans(), off_ms=PAUSES)
    def restart(self, hub: int, rebooted: bool, off_ms: int) -> None:
        self.world.truth.ms += off_ms
        self._do(self.world.hubs[hub].restart(rebooted=rebooted))

    @rule(hub=TWO)
    def hear_time(self, hub: int) -> None:
        self._do(self.world.hubs[hub].hear_time())

    @rule()
    def build_package(self) -> None:
        self._do(self.world.build_package())

    @rule(hub=TWO, which=PLACES, foreign=st.booleans())
    def bring(self, hub: int, which: int, foreign: bool) -> None:
        self._do(self.world.bring(self.world.hubs[hub], which, foreign=foreign))

    @rule(verse=PLACES, deleted=st.booleans(), stamped=st.booleans())
    def change_at_server(self, verse: int, deleted: bool, stamped: bool) -> None:
        self._do(self.world.change(verse, deleted=deleted, stamped=stamped))

    @precondition(lambda self: self.world is not None and self.world.server.hard_deletes)
    @rule(verse=PLACES)
    def drop_at_server(self, verse: int) -> None:
        self._do(self.world.drop(verse))

    @rule()
    def deliver(self) -> None:
        self._do(self.world.network.deliver())

    @rule(hub=TWO, which=PLACES, choice=st.sampled_from(Choice))
    def choose(self, hub: int, which: int, choice: Choice) -> None:
        self._do(self.world.choose(self.world.hubs[hub], which, choice))

    @rule(hub=TWO, which=PLACES)
    def bring_back(self, hub: int, which: int) -> None:
        self._do(self.world.bring_back(self.world.hubs[hub], which))

    @rule()
    def back_up(self) -> None:
        self._do(self.world.back_up())

    @precondition(lambda self: self.world is not None and self.world.backed_up)
    @rule()
    def restore(self) -> None:
        self._do(self.world.restore())

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            if not self.broken:
                self.world.run(exchange_all(self.world))
                self.world.run(check(self.world))
        finally:
            self.world.close()


class PostgresMachine(Machine):
    """The same before a server on PostgreSQL."""

    kind = "postgres"
