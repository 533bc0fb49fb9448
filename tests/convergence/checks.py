"""What holds when everything has been exchanged."""

from collections import Counter

from hotspot.model.digest import WHOLE
from hotspot.model.records import Key, Record
from tests.contract.opened import AUDIO, TEXT
from tests.convergence.hubs import Hub
from tests.convergence.world import World
from tests.store.support import query

ROUNDS = 30


async def exchange_all(world: World) -> None:
    """Everybody exchanges with everybody until nothing changes any more."""
    await world.network.deliver()
    if world.renaming:
        # What the server has no more under any id goes up from the sticks that brought it.
        for hub in world.hubs:
            await hub.store.approve("eng-kjv")
    before: object = None
    for _ in range(ROUNDS):
        world.truth.ms += 1_000
        for phone in world.phones:
            await phone.exchange(1_000)
        for hub in world.hubs:
            report = await hub.session()
            assert report is not None and report.error is None, report
        now = await _state(world)
        if now == before:
            return
        before = now
    raise AssertionError("They never come to rest.")


async def _state(world: World) -> object:
    rows = [await world.server.rows(), *[await hub.rows() for hub in world.hubs]]
    rows += [phone.own_rows() for phone in world.phones]
    waiting = [len(await hub.store.pending_edits(1_000)) for hub in world.hubs]
    waiting += [len(phone.node.pending) for phone in world.phones]
    return [versions(one) for one in rows], waiting


def versions(rows: dict[Key, Record]) -> dict[Key, str]:
    """The names of the states of these rows."""
    return {key: row.version for key, row in rows.items()}


def live(rows: dict[Key, Record]) -> dict[Key, str]:
    return versions({key: row for key, row in rows.items() if not row.deleted})


async def check(world: World) -> None:
    """Raises AssertionError where replicas differ, something waits, or a text is lost."""
    there = await world.server.rows()
    for hub in world.hubs:
        _same(hub.name, await hub.rows(), there)
        await _check_books(hub)
        if not world.dropped:
            await _check_digests(world, hub, there)
    for phone in world.phones:
        _same(phone.name, phone.own_rows(), there, only_text=True)
        assert not phone.node.pending, phone.name
    kept = [*there.values(), *await world.server.losers(), *await world.kept_by_clients()]
    lost = world.built_on.keys() - world.known(kept) - world.excused
    assert not lost, f"lost: {sorted(map(str, lost))}"


def _same(
    name: str, here: dict[Key, Record], there: dict[Key, Record], *, only_text: bool = False
) -> None:
    """The same live rows, and the same state of every row that both have."""
    if only_text:
        there = {k: row for k, row in there.items() if row.scope == TEXT}
    differing = live(here).items() ^ live(there).items()
    assert not differing, [name, *(one.get(key) for key, _ in differing for one in (here, there))]
    both = here.keys() & there.keys()
    ours = versions({key: here[key] for key in both})
    assert ours == versions({key: there[key] for key in both}), f"{name}: deleted rows differ"
    counts = [Counter(key.table for key in live(rows)) for rows in (here, there)]
    assert counts[0] == counts[1], name


async def _check_digests(world: World, hub: Hub, there: dict[Key, Record]) -> None:
    """Both databases add up to the same numbers, where they have the same rows."""
    if (await hub.rows()).keys() | hub.aliases() != there.keys():
        return
    asked = [(scope, [WHOLE]) for scope in (TEXT, AUDIO)]
    ours, theirs = await hub.store.digest(asked), await world.server.store.digest(asked)
    assert [one.sums for one in ours] == [one.sums for one in theirs], hub.name


async def _check_books(hub: Hub) -> None:
    """Nothing waits, and what is said of rows and packages is true."""
    assert not await hub.store.pending_edits(1_000), hub.name
    assert not await hub.store.open_batches(), hub.name
    assert not query(hub.path, "SELECT * FROM set_aside"), hub.name
    marks = dict(
        query(hub.path, "SELECT record_id, sync_status FROM record_sync_status ORDER BY 1")
    )
    assert set(marks.values()) <= {"synced", "conflict"}, marks
    disputed = {id_ for id_, mark in marks.items() if mark == "conflict"}
    asked = query(hub.path, "SELECT record_id FROM losing_versions WHERE resolution = 'manual'")
    assert disputed == {id_ for (id_,) in asked}, hub.name
    rows = query(hub.path, "SELECT id, sync_status FROM verse_texts")
    assert {id_: "conflict" if id_ in disputed else "synced" for id_, _ in rows} == dict(rows)
    ((package,),) = query(hub.path, "SELECT sync_status FROM local_packages")
    assert package == ("conflict" if disputed else "synced"), hub.name
    running = query(hub.path, "SELECT * FROM sync_log WHERE status = 'running'")
    assert not running, hub.name
