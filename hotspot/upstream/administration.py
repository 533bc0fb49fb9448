"""What the operator does to the upstream's database: each a function over the settings."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec

from hotspot.config import Config
from hotspot.errors import PackageRefused
from hotspot.http.auth import hash_token, new_token
from hotspot.model.downloads import PackageDownloads
from hotspot.model.fleet import Box, FleetHealth
from hotspot.model.health import Alert
from hotspot.model.permissions import limits
from hotspot.model.stores import Device
from hotspot.model.tables import CONTENT_TABLES
from hotspot.package.verify import Staged, stage
from hotspot.upstream import devices, epochs, loading, media, trimming
from hotspot.upstream.database import connect
from hotspot.upstream.embedded import embedded
from hotspot.upstream.migrate import migrate, migrations
from hotspot.upstream.watching import fleet_report


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """What a command reports with `--json`."""


class Imported(Message, frozen=True):
    """`rows`: of the package, `written`: of those that were new or newer; both by table."""

    package_id: str
    rows: dict[str, int]
    written: dict[str, int]


class NewDevice(Message, frozen=True):
    """The token is shown this once."""

    device_id: str
    token: str


class NewUser(Message, frozen=True):
    """A user's id."""

    user_id: str


class Trimmed(Message, frozen=True):
    """Entries of the change log: removed as superseded, and emptied of their contents."""

    removed: int
    emptied: int


class Epoch(Message, frozen=True):
    """The epoch that positions belong to from now on."""

    epoch: str


class Status(Message, frozen=True):
    """`health`, `hotspots`, `alerts`: see `model.fleet.FleetReport`.

    `horizon_age_seconds`: how old the oldest open writing transaction is: nobody is told of
    anything that was written after it began. `conflicts`: those that wait for a person.
    """

    epoch: str
    schema_number: int
    records: dict[str, int]
    users: int
    devices: int
    losing_versions: int
    conflicts: int
    horizon_age_seconds: float
    health: FleetHealth
    hotspots: Sequence[Box]
    alerts: Sequence[Alert]
    downloads: Sequence[PackageDownloads]


@asynccontextmanager
async def database_url(config: Config) -> AsyncIterator[str]:
    """The URL of the database that the settings name, or of the embedded server."""
    if config.database_url is not None:
        yield config.database_url
    else:
        async with embedded(config.data_dir) as url:
            yield url


@asynccontextmanager
async def migrated(config: Config) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database, whose schema is up to date."""
    known = await asyncio.to_thread(migrations)
    async with database_url(config) as url, connect(url) as connection:
        await migrate(connection, known)
        await epochs.bind(connection)
        yield connection


async def import_package(config: Config, path: Path) -> Imported:
    """Loads one package. Raises PackageRefused for what is none, or dishonest."""
    async with migrated(config) as connection:
        scratch = await asyncio.to_thread(_scratch)
        try:
            staged = await _stage(path, Path(scratch.name) / "staging.db")
            await media.keep(connection, path, config.packages)
            written = await loading.load(connection, staged.staging)
        finally:
            await asyncio.to_thread(scratch.cleanup)
    return Imported(staged.manifest.package_id, staged.rows, written)


async def _stage(path: Path, staging: Path) -> Staged:
    try:
        return await stage(path, staging)
    except PackageRefused as refusal:
        raise PackageRefused(f"{path.name}: {refusal}") from None


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="hotspot-import-")


async def add_device(
    config: Config, name: str, role: str, scopes: Collection[str] = ()
) -> NewDevice:
    """Registers a device, and the user that it stands for.

    `scopes`: the versions that it may change (none named: all). Raises BadRequest.
    """
    allowed = limits(role, scopes)
    device, token = Device(id=str(uuid4()), name=name, role=role, scopes=allowed), new_token()
    async with migrated(config) as connection:
        await devices.add_device(connection, device, hash_token(token))
    return NewDevice(device.id, token)


async def add_user(config: Config, name: str) -> NewUser:
    """Registers a user."""
    async with migrated(config) as connection:
        return NewUser(await devices.add_user(connection, name))


async def new_epoch(config: Config) -> Epoch:
    """Makes every client start over; needed after a restore that leaves no trace of itself."""
    async with migrated(config) as connection:
        return Epoch(await epochs.renew(connection))


async def trim(config: Config, keep_days: int) -> Trimmed:
    """Shortens the change log of what is older than `keep_days`; see `trimming`."""
    async with migrated(config) as connection:
        return Trimmed(*await trimming.trim(connection, keep_days))


async def migrate_now(config: Config) -> int:
    """Brings the schema up to date; its number."""
    async with migrated(config) as connection:
        return int(await connection.fetchval("SELECT max(number) FROM schema_migrations"))


async def status(config: Config) -> Status:
    """How the database is."""
    async with migrated(config) as connection:
        row = await connection.fetchrow(_STATUS)
        counts = await connection.fetchrow(_COUNTS)
        fleet = await fleet_report(connection)
    assert row is not None and counts is not None
    return Status(
        records=dict(counts.items()),
        horizon_age_seconds=fleet.health.horizon_age_seconds,
        health=fleet.health,
        hotspots=fleet.hotspots,
        alerts=fleet.alerts,
        downloads=fleet.downloads,
        **row,
    )


def to_json(result: Message | Sequence[Message]) -> Any:
    """A report as plain data."""
    return msgspec.to_builtins(result)


_STATUS = """
SELECT
  (SELECT epoch FROM sync_epoch) AS epoch,
  (SELECT max(number) FROM schema_migrations) AS schema_number,
  (SELECT count(*) FROM users) AS users,
  (SELECT count(*) FROM devices WHERE revoked_at IS NULL) AS devices,
  (SELECT count(*) FROM losing_versions) AS losing_versions,
  (SELECT count(*) FROM losing_versions WHERE resolution = 'manual') AS conflicts
"""
_COUNTS = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM {table.name} WHERE deleted_at IS NULL) AS {table.name}"
    for table in CONTENT_TABLES
)
