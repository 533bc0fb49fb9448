"""Counts of downloads in the hotspot's store."""

from pathlib import Path

from hotspot.clock import wall
from hotspot.model.downloads import TOLD_AT_ONCE, DownloadCount
from hotspot.store.store import HotspotStore


def count(day: str, package_id: str, number: int) -> DownloadCount:
    return DownloadCount(day=day, package_id=package_id, count=number)


async def test_counts_of_a_day_add_up_and_outlive_the_process(tmp_path: Path) -> None:
    clock = wall()
    today = clock.now()[:10]
    for number in (2, 3):
        async with HotspotStore.open(tmp_path / "db", clock) as store:
            await store.add_downloads([count(today, "a", number)])
    async with HotspotStore.open(tmp_path / "db", clock) as store:
        assert await store.downloads(10) == [count(today, "a", 5)]


async def test_what_was_told_is_told_again_only_when_it_grew(tmp_path: Path) -> None:
    clock = wall()
    today = clock.now()[:10]
    async with HotspotStore.open(tmp_path / "db", clock) as store:
        await store.add_downloads([count(today, "a", 2), count(today, "b", 1)])
        told = await store.downloads_to_tell()
        assert told == (count(today, "a", 2), count(today, "b", 1))
        await store.add_downloads([count(today, "a", 1)])
        await store.downloads_told(told)
        assert await store.downloads_to_tell() == (count(today, "a", 3),)


async def test_a_report_is_bounded_and_the_rest_comes_next(tmp_path: Path) -> None:
    clock = wall()
    today = clock.now()[:10]
    many = [count(today, f"p{number:04}", 1) for number in range(TOLD_AT_ONCE + 5)]
    async with HotspotStore.open(tmp_path / "db", clock) as store:
        await store.add_downloads(many)
        first = await store.downloads_to_tell()
        await store.downloads_told(first)
        assert [*first, *await store.downloads_to_tell()] == many


async def test_old_days_go(tmp_path: Path) -> None:
    clock = wall()
    async with HotspotStore.open(tmp_path / "db", clock) as store:
        await store.add_downloads([count("2020-01-01", "a", 1)])
        assert await store.downloads(10) == []
