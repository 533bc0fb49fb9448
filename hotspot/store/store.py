"""The hotspot's store: every side of it over one database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hotspot.clock import Clock
from hotspot.errors import CannotWrite, TryLater
from hotspot.store.admin import AdminCode
from hotspot.store.approvals import Approvals
from hotspot.store.audio import Audio
from hotspot.store.conflicts import Conflicts
from hotspot.store.database import open_database
from hotspot.store.devices import Devices
from hotspot.store.digests import Digests
from hotspot.store.downloads import Downloads
from hotspot.store.feed import Feed
from hotspot.store.following import Following
from hotspot.store.health import Health
from hotspot.store.identity import Identity
from hotspot.store.imports import Imports
from hotspot.store.packages import Packages
from hotspot.store.publishing import Publishing
from hotspot.store.rebuilding import mend
from hotspot.store.removing import Removing
from hotspot.store.rest import TableReads
from hotspot.store.timekeeping import Timekeeping
from hotspot.store.undoing import Undoing
from hotspot.store.version_status import VersionStatuses

PING_S = 5.0


class HotspotStore(
    Conflicts,
    Undoing,
    Approvals,
    Timekeeping,
    Feed,
    Digests,
    VersionStatuses,
    Following,
    Publishing,
    Removing,
    Packages,
    Imports,
    Devices,
    AdminCode,
    Downloads,
    Health,
    Identity,
    Audio,
    TableReads,
):
    """ReplicaStore, DeviceStore and PackageStore of `model.stores`, and what only a hotspot does.

    What is written is on the card when a method returns.
    """

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, clock: Clock, on_edit: Callable[[], None] = lambda: None
    ) -> AsyncIterator["HotspotStore"]:
        """The store in the database file `path`, which is made where there is none.

        `on_edit` is called after each commit that has something to send. The clock goes on from
        what is kept of the time.
        A damaged file is set aside, and what can be read of it is taken over into a new one.
        On a card that takes no writes, everything that would write raises CannotWrite, and this
        does where the database would have to be made or migrated.
        Raises StoreDamaged where the file cannot be used.
        """
        await mend(path, clock.now())
        async with open_database(path, clock.now()) as database:
            store = cls(database, clock, on_edit)
            with suppress(CannotWrite):
                await store.begin()
                await store.recover()
            yield store

    async def ping(self) -> None:
        try:
            async with asyncio.timeout(PING_S):
                await self._database.read("SELECT 1 FROM meta")
        except TimeoutError:
            raise TryLater("The database does not answer; try again.") from None
