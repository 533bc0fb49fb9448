"""What ids name: looked up for the server half, agreed with the upstream by the client half."""

from collections.abc import Iterable, Sequence

from hotspot.model.aliases import Alias, apart, natural_key, rekey
from hotspot.model.changes import Parsed, keys, natural_keys, referred
from hotspot.model.merge import Local, Sent, Verdict
from hotspot.model.records import Key, Record
from hotspot.model.stores import RecordTransaction, ReplicaTransaction


async def rows_to_judge(
    tx: RecordTransaction, parsed: Sequence[Parsed]
) -> tuple[dict[Key, Record], dict[Key, Key]]:
    """The rows and the aliases that `judge` needs for these changes."""
    asked = keys(parsed)
    current = await tx.current(asked)
    gone = [key for key in asked if key not in current or current[key].deleted]
    named = {*gone, *referred(parsed)}
    aliases = await tx.canonical(named) if named else {}
    others = {aliases[key] for key in gone if key in aliases} - current.keys()
    if others:
        current |= await tx.current(others)
    wanted = natural_keys(parsed, current)
    if wanted:
        current |= {row.key: row for row in (await tx.holders(wanted)).values()}
    return current, aliases


async def follow_names(
    tx: ReplicaTransaction, told: Sequence[Alias], incoming: Sequence[Record], now: str
) -> dict[Key, Local]:
    """What is held of the records `incoming`, once they go by the upstream's ids here too.

    `told`: aliases that the upstream tells of. A live row of the upstream also takes its natural
    key from whatever record has it here.
    """
    await _rename(tx, told, now)
    asked = [record.key for record in incoming]
    held = await tx.locals(asked)
    taken = await _taken(tx, (row for row in incoming if not _is_live(held[row.key].record)))
    await _rename(tx, taken, now)
    return await tx.locals(asked) if taken else held


async def follow_answers(
    tx: ReplicaTransaction, sent: Sequence[Sent], judged: Sequence[Verdict], now: str
) -> list[tuple[Local, Sent]]:
    """What is held of each record of a batch, under the id by which the answer calls it."""
    asked = [Key(one.table, one.id) for one in sent]
    held = await tx.locals(asked)
    names = await tx.canonical([key for key in asked if held[key].pending is None])
    told = []
    for key, verdict in zip(asked, judged, strict=False):
        name = names.get(key, key)
        if verdict.canonical_id is not None and verdict.canonical_id != name.id:
            told.append(Alias(key.table, name.id, verdict.canonical_id))
            names[key] = told[-1].canonical
    stand = [one.server for one in judged if one.server is not None]
    if told or stand:
        await follow_names(tx, told, stand, now)
        held = await tx.locals(asked)
    if names:
        held = await tx.locals({names.get(key, key) for key in asked})
    called = [names.get(key, key) for key in asked]
    return [
        (held[key], Sent(key.table, key.id, one.version))
        for key, one in zip(called, sent, strict=True)
    ]


def _is_live(record: Record | None) -> bool:
    return record is not None and not record.deleted


async def _taken(tx: ReplicaTransaction, incoming: Iterable[Record]) -> list[Alias]:
    """Aliases for the rows here that have the natural keys of live rows of other ids."""
    wanted = {key: row for row in incoming if not row.deleted and (key := natural_key(row))}
    found = await tx.holders(wanted) if wanted else {}
    return [
        Alias(row.table, found[key].id, row.id)
        for key, row in wanted.items()
        if key in found and found[key].id != row.id
    ]


async def _rename(tx: ReplicaTransaction, aliases: Sequence[Alias], now: str) -> None:
    """Moves what is held to the ids that `aliases` name."""
    while aliases:
        first, aliases = apart(aliases)
        held = await tx.locals({key for one in first for key in (one.key, one.canonical)})
        outcomes = [rekey(held[one.key], held[one.canonical], one, now) for one in first]
        await tx.rename(first)
        await tx.settle([outcome for some in outcomes for outcome in some], now)
