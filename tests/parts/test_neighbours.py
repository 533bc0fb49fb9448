"""What is fetched from a neighbour that really serves, and what is left when it is cut off."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hotspot.config import Config
from hotspot.daemon import Core, open_core, phones_app
from hotspot.errors import NoSpace, PackageRefused
from hotspot.http.serving import serve
from hotspot.model.neighbours import Neighbour, Offer
from tests.support.packages import text_package


@pytest.fixture
async def giver(tmp_path: Path) -> AsyncIterator[Core]:
    """A hotspot with a package."""
    config = Config(data_dir=tmp_path / "giver", drives_folder=tmp_path / "sticks")
    made = await asyncio.to_thread(text_package, tmp_path / "made")
    async with open_core(config) as core:
        await core.importer.import_file(made)
        yield core


@pytest.fixture
async def near(giver: Core) -> AsyncIterator[Neighbour]:
    """The giver as a neighbour."""
    async with serve(phones_app(giver), "127.0.0.1", 0) as port:
        [told] = await giver.operations.packages()
        offer = Offer(
            package_id="text",
            package_version=told["packageVersion"],
            size_in_bytes=told["sizeInBytes"],
            sha256=told["sha256"],
        )
        yield Neighbour(
            id=giver.store.epoch, name="Near", url=f"http://127.0.0.1:{port}", packages=(offer,)
        )


def config_of(tmp_path: Path, reserve_mb: int = 64) -> Config:
    return Config(
        data_dir=tmp_path / "taker", drives_folder=tmp_path / "sticks", reserve_mb=reserve_mb
    )


async def test_what_was_cut_off_is_gone_on_with(near: Neighbour, tmp_path: Path) -> None:
    [offer] = near.packages
    left = tmp_path / "taker/fetched"
    left.mkdir(parents=True)
    cut = left / f"text-{offer.sha256[:12]}.bible.part"
    cut.write_bytes(b"not how the package begins")
    (left / "another.bible.part").write_bytes(b"of another package")
    async with open_core(config_of(tmp_path)) as taker:
        with pytest.raises(PackageRefused):
            await taker.neighbours.fetch_from(near, "text")
        assert list(left.iterdir()) == []
        result = await taker.neighbours.fetch_from(near, "text")
        assert result["outcome"] == "new"
        assert list(left.iterdir()) == []


async def test_signatures_come_along(giver: Core, near: Neighbour) -> None:
    [file] = giver.config.packages.glob("*.bible")
    file.with_name(file.name + ".head.minisig").write_text("signed")
    asked = f"{near.url}/functions/v1/packages/text/signatures"
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{asked}/head") as response:
            assert (response.status, await response.text()) == (200, "signed")
        for of in ("whole", "other"):
            async with client.get(f"{asked}/{of}") as response:
                assert response.status == 404


async def test_the_reserve_stays_free(near: Neighbour, tmp_path: Path) -> None:
    async with open_core(config_of(tmp_path, reserve_mb=1_000_000)) as taker:
        with pytest.raises(NoSpace):
            await taker.neighbours.fetch_from(near, "text")
        assert await taker.operations.packages() == []
