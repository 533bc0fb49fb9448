"""A damaged database is set aside, and a new one begun with what could be read of it.

The packages on the card publish themselves again afterwards: nothing in the new database refers to
their files. It has an epoch of its own, so that phones start over.

The new file is made whole under another name first. From then on each start ends the exchange of
the two, however often the power is cut.
"""

import asyncio
import logging
from pathlib import Path

import aiosqlite

from hotspot import faults
from hotspot.store import doubt
from hotspot.store.damage import damage, remains
from hotspot.store.database import open_database
from hotspot.store.salvage import Salvage, salvage, take_over

log = logging.getLogger(__name__)

_WITH = ("-wal", "-shm", "")
"""What belongs to a database file, by what its name has more; the file itself last."""


async def mend(path: Path, now: str) -> None:
    """Makes the database file `path` usable, where it is damaged. Raises what writing raises.

    All of it is read only where there is a doubt about it; otherwise the beginnings.
    """
    await asyncio.to_thread(_exchange, path)
    doubted = await asyncio.to_thread(doubt.is_noted, path)
    fault = await asyncio.to_thread(damage, path, thorough=doubted)
    if fault is not None:
        await _replace(path, fault, now)
    if doubted:
        await asyncio.to_thread(doubt.forget, path)


async def _replace(path: Path, fault: str, now: str) -> None:
    aside = await asyncio.to_thread(_free_name, path)
    log.error("The database is damaged (%s): it is set aside as %s.", fault, aside.name)
    found = await asyncio.to_thread(_read, path)
    sentence = _sentence(found, aside, now)
    log.warning("%s", sentence)
    await _begin_anew(path, found, sentence, now)
    await asyncio.to_thread(_exchange, path)


def _read(path: Path) -> Salvage:
    with remains(path, path.with_name(path.name + ".scratch")) as left:
        return salvage(left)


async def _begin_anew(path: Path, found: Salvage, sentence: str, now: str) -> None:
    fresh = path.with_name(path.name + ".rebuilding")
    await asyncio.to_thread(_delete, fresh)

    async def work(connection: aiosqlite.Connection) -> None:
        await take_over(connection, found)
        await connection.execute("INSERT INTO meta VALUES ('rebuilt', ?)", (sentence,))

    async with open_database(fresh, now) as database:
        await database.writer.run(work)
    await asyncio.to_thread(doubt.sync_folder, fresh)
    faults.point("rebuild.written")
    await asyncio.to_thread(fresh.rename, _ready(path))
    await asyncio.to_thread(doubt.sync_folder, path.parent)
    faults.point("rebuild.ready")


def _exchange(path: Path) -> None:
    """Puts the new database, if there is one that is whole, in the old one's place."""
    if not _ready(path).exists():
        return
    aside = _free_name(path)
    for more in _WITH:
        old = path.with_name(path.name + more)
        if old.exists():
            old.rename(aside.with_name(aside.name + more))
            faults.point("rebuild.aside" + more)
    _ready(path).rename(path)
    doubt.sync_folder(path.parent)


def _ready(path: Path) -> Path:
    return path.with_name(path.name + ".rebuilt")


def _free_name(path: Path) -> Path:
    """The name under which a database is set aside next."""
    number = 1
    while (found := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return found


def _delete(path: Path) -> None:
    for more in _WITH:
        path.with_name(path.name + more).unlink(missing_ok=True)


def _sentence(found: Salvage, aside: Path, now: str) -> str:
    told = (
        f"The database was damaged and was begun anew at {now}: "
        f"{found.waiting} edits and conflicts were saved, "
        "and the packages on the card are read in again."
    )
    if found.lost:
        told += " Some edits may be lost."
    return f"{told} The damaged file is kept as {aside.name}."
