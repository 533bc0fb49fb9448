"""A card that was copied into another machine."""

from dataclasses import replace
from pathlib import Path

from hotspot.config import Config
from hotspot.daemon import open_core


async def test_a_copied_card_waits_for_a_token_of_its_own(tmp_path: Path) -> None:
    machine = tmp_path / "machine-id"
    machine.write_text("one")
    config = Config(
        data_dir=tmp_path / "data",
        upstream_url="http://127.0.0.1:9",
        upstream_token="token",
        machine_files=(machine,),
    )
    async with open_core(config) as core:
        first = core.store.epoch
        assert (await core.operations.status())["notices"] == []
    machine.write_text("two")
    async with open_core(config) as core:
        assert core.store.epoch != first
        assert core.config.upstream_token is None
        [notice] = (await core.operations.status())["notices"]
        assert "token of its own" in notice
    async with open_core(replace(config, upstream_token="its own")) as core:
        assert core.config.upstream_token == "its own"
        assert (await core.operations.status())["notices"] == []
