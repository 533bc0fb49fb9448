"""Downloads that hotspots tell of, added up by the server."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from msgspec.structs import replace

from hotspot.clock import wall
from hotspot.model.downloads import DownloadCount, PackageDownloads
from hotspot.upstream import downloads
from tests.upstream.serving import REPORT, Hub, Server, hotspot, running

TODAY = wall().now()[:10]


@pytest.fixture
async def server(url: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(url, tmp_path) as server:
        yield server


@pytest.fixture
async def hub(server: Server, tmp_path: Path) -> AsyncIterator[Hub]:
    async with hotspot(server, tmp_path) as hub:
        yield hub


def count(number: int, day: str = TODAY, package_id: str = "text") -> DownloadCount:
    return DownloadCount(day=day, package_id=package_id, count=number)


def added_up(number: int) -> list[PackageDownloads]:
    return [PackageDownloads(package_id="text", count=number, last_30_days=number, hotspots=1)]


async def test_a_session_tells_and_the_server_adds_up(
    server: Server, hub: Hub, sql: asyncpg.Connection
) -> None:
    await hub.sync(replace(REPORT, downloads=(count(3),)))
    assert await downloads.by_package(sql) == added_up(3)
    async with server.http.get(server.url + "/metrics") as response:
        page = await response.text()
    assert 'hotspot_upstream_downloads{package="text"} 3\n' in page
    assert "hotspot_upstream_database_bytes " in page


async def test_what_is_told_twice_counts_once(hub: Hub, sql: asyncpg.Connection) -> None:
    for number in (3, 3, 2, 5):
        await hub.sync(replace(REPORT, downloads=(count(number),)))
    assert await downloads.by_package(sql) == added_up(5)


async def test_days_that_cannot_be_are_left_out(hub: Hub, sql: asyncpg.Connection) -> None:
    told = (count(1, "2001-01-01"), count(1, "2999-01-01"), count(1, "nonsense"), count(1))
    await hub.sync(replace(REPORT, downloads=told))
    assert await downloads.by_package(sql) == added_up(1)


async def test_old_days_go(server: Server, hub: Hub, sql: asyncpg.Connection) -> None:
    await hub.sync(replace(REPORT, downloads=(count(1),)))
    await sql.execute("UPDATE downloads SET day = day - 500")
    await server.fleet.sweep()
    assert await downloads.by_package(sql) == []
