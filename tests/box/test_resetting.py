from pathlib import Path

from hotspot.box.resetting import RESET, prepare_admin
from hotspot.clock import BUILD_MS, Clock
from hotspot.store.store import HotspotStore


async def test_a_file_in_the_folder_makes_another_code(tmp_path: Path) -> None:
    async with HotspotStore.open(tmp_path / "hotspot.db", Clock(BUILD_MS)) as store:
        await prepare_admin(store, tmp_path)
        first = await store.admin_code()
        await prepare_admin(store, tmp_path)
        assert await store.admin_code() == first
        (tmp_path / RESET).touch()
        await prepare_admin(store, tmp_path)
        second = await store.admin_code()
        assert second != first
        assert not (tmp_path / RESET).exists()
        await prepare_admin(store, tmp_path / "no such folder")
        assert await store.admin_code() == second
