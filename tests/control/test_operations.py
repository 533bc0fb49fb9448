"""Operations by name, over the control socket and without it."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from hotspot.commands.asking import ask_or_open
from hotspot.config import Config
from hotspot.control.channel import ask, control_app
from hotspot.control.operations import perform
from hotspot.daemon import Core, open_core
from hotspot.errors import BadRequest, HotspotError, NotFound
from hotspot.http.auth import hash_token
from hotspot.http.serving import serve_unix
from hotspot.model.stores import Loser, RecordTransaction
from hotspot.printing import reports
from tests.contract.opened import T1, TEXT, edited, verse, version_row
from tests.store.support import bring
from tests.support.packages import text_package


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data", drives_folder=tmp_path / "sticks")


@pytest.fixture
async def core(config: Config) -> AsyncIterator[Core]:
    async with open_core(config) as core:
        yield core


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return text_package(tmp_path / "stick").parent


async def test_what_a_person_asks_for(core: Core, stick: Path) -> None:
    (result,) = await perform(core.operations, "import", {"paths": [str(stick)]})
    assert (result["outcome"], result["rows"]["verse_texts"]) == ("new", 5)
    (package,) = await perform(core.operations, "packages", {})
    assert (package["packageId"], package["languageName"]) == ("text", "Test language")
    status = await perform(core.operations, "status", {})
    assert status["sync"]["packages"] == 1
    assert status["imports"] == [result]
    await perform(core.operations, "remove-package", {"package_id": "text"})
    assert await perform(core.operations, "packages", {}) == []
    with pytest.raises(NotFound):
        await perform(core.operations, "remove-package", {"package_id": "text"})


async def test_a_device_is_added_without_a_code(core: Core) -> None:
    made = await perform(core.operations, "add-device", {"name": "Next village", "role": "hotspot"})
    device = await core.store.device_by_token(hash_token(made["token"]))
    assert device is not None
    assert (device.id, device.name, device.role) == (made["deviceId"], "Next village", "hotspot")
    with pytest.raises(BadRequest):
        await perform(core.operations, "add-device", {"name": "Mayor", "role": "king"})


async def test_a_code_is_shown_once_and_ends(core: Core) -> None:
    made = await perform(core.operations, "pair", {})
    assert made["code"].isdigit()
    assert (made["expiresAt"], made["validSeconds"]) == (None, 600)
    core.clock.learn("2026-12-24T18:00:00.000Z")
    assert (await perform(core.operations, "pair", {}))["expiresAt"] > "2026-12-24T18:09:59"
    assert await perform(core.operations, "devices", {}) == []
    with pytest.raises(NotFound):
        await perform(core.operations, "revoke-device", {"device_id": "nobody"})


async def test_an_editor_may_be_limited_to_versions(core: Core) -> None:
    asked = {"name": "Ana", "role": "editor", "scopes": [TEXT.id]}
    await perform(core.operations, "add-device", asked)
    (listed,) = await perform(core.operations, "devices", {})
    assert listed["scopes"] == [TEXT.id]
    for wrong in ({"scopes": ["genesis"]}, {"role": "admin"}):
        with pytest.raises(BadRequest):
            await perform(core.operations, "add-device", asked | wrong)
        with pytest.raises(BadRequest):
            await perform(core.operations, "pair", {"role": "editor", "scopes": [TEXT.id]} | wrong)


async def test_a_phone_becomes_what_its_code_was_made_for(core: Core) -> None:
    made = await perform(core.operations, "pair", {"role": "admin"})
    device = await core.store.claim_pairing(
        hash_token(made["code"]), "device", "Mzee", "token", core.clock.now()
    )
    assert device is not None
    assert device.role == "admin"


async def test_a_person_decides_a_conflict_and_brings_a_version_back(core: Core) -> None:
    await bring(core.store, version_row(TEXT), verse(1))
    for text in ("First", "Second"):
        loser = Loser(edited(verse(1), text, T1), verse(1).version, "manual", "Too close.", None)
        await core.store.write(partial(_keep, loser))
    second, first = await perform(core.operations, "conflicts", {})
    kept = {"number": second["id"], "version": "local"}
    decided = await perform(core.operations, "keep-conflict", kept)
    assert decided["serverRecord"]["verse_text"] == "Second"
    assert await perform(core.operations, "conflicts", {}) == []
    losers = await perform(core.operations, "losing-versions", {"record_id": verse(1).id})
    assert [one["localRecord"]["verse_text"] for one in losers] == [
        "In the beginning",
        "Second",
        "First",
    ]
    restored = await perform(core.operations, "restore-version", {"number": first["id"]})
    assert restored == await perform(core.operations, "conflict", {"number": first["id"]})
    assert restored["serverRecord"]["verse_text"] == "First"


async def _keep(loser: Loser, tx: RecordTransaction) -> None:
    await tx.keep_losers([loser])


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("pair", {"role": "hotspot"}, "role is one of"),
        ("keep-conflict", {"number": 1, "version": "both"}, "'local' or 'server'"),
        ("reboot", {}, "no operation 'reboot'"),
        ("__init__", {}, "no operation"),
        ("remove-package", {}, "cannot be asked like this"),
        ("status", {"more": 1}, "cannot be asked like this"),
        ("sync", {}, "No upstream is set"),
    ],
)
async def test_what_cannot_be_asked(
    core: Core, name: str, arguments: dict[str, object], says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        await perform(core.operations, name, arguments)


async def test_the_daemon_answers_on_its_socket(core: Core, config: Config) -> None:
    async with serve_unix(control_app(core.operations, core.clock), config.control_socket):
        assert await ask(config.control_socket, "packages", {}) == []
        assert (await ask_or_open(config, "status", {}))["sync"]["packages"] == 0
        with pytest.raises(HotspotError, match="no operation 'reboot'"):
            await ask(config.control_socket, "reboot", {})


async def test_without_a_daemon_the_store_is_opened(config: Config, stick: Path) -> None:
    (result,) = await ask_or_open(config, "import", {"paths": [str(stick)]})
    assert result["outcome"] == "new"
    assert len(await ask_or_open(config, "packages", {})) == 1


async def test_two_processes_do_not_use_one_data_folder(core: Core, config: Config) -> None:
    with pytest.raises(HotspotError, match="Another hotspot process uses"):
        async with open_core(config):
            pass


async def test_a_package_is_approved(core: Core, stick: Path) -> None:
    await perform(core.operations, "import", {"paths": [str(stick)]})
    (package,) = await perform(core.operations, "packages", {})
    assert package["approval"] is None
    await perform(core.operations, "approve-package", {"package_id": "text"})
    (package,) = await perform(core.operations, "packages", {})
    assert package["approval"]["approvedAt"] <= core.clock.now()
    assert (package["approval"]["finishedAt"], package["approval"]["reason"]) == (None, None)
    assert "approved" in reports.packages([package])
    with pytest.raises(NotFound):
        await perform(core.operations, "approve-package", {"package_id": "none"})
