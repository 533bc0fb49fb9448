"""Many hotspots at once, and devices that may upload no more."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from hotspot import config
from hotspot.cli import main
from hotspot.http.auth import hash_token
from hotspot.upstream.store import PostgresStore

URL = "https://sync.example.org"


async def do(url: str, *arguments: str) -> Result:
    """Runs `hotspot upstream` on the database."""
    environment = {"HOTSPOT_DATABASE_URL": url}
    asked = ["upstream", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, main, asked, env=environment)


async def ask(url: str, *arguments: str) -> Any:
    done = await do(url, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


async def add(url: str, out: Path, count: int, name: str = 'Village "A"') -> list[Any]:
    asked = ("add-device", "--name", name, "--count", str(count), "--out", str(out), "--url", URL)
    return list(await ask(url, *asked))


async def test_each_box_gets_settings_that_it_can_use(
    url: str, store: PostgresStore, tmp_path: Path
) -> None:
    made = await add(url, tmp_path / "out", 500)
    files = sorted((tmp_path / "out").iterdir())
    assert [str(file) for file in files] == [one["file"] for one in made]
    tokens = set()
    for one in made[::100]:
        settings = await asyncio.to_thread(config.load, Path(one["file"]), {})
        assert (settings.upstream_url, settings.name) == (URL, one["name"])
        assert settings.upstream_token is not None
        device = await store.device_by_token(hash_token(settings.upstream_token))
        assert device is not None
        assert (device.id, device.name, device.role) == (one["deviceId"], one["name"], "hotspot")
        tokens.add(settings.upstream_token)
    assert len(tokens) == 5
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert (made[0]["name"], files[-1].name) == ('Village "A" 001', "village-a-500.toml")


async def test_no_token_is_in_the_database_or_in_the_output(
    url: str, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    (one,) = await add(url, tmp_path, 1)
    settings = await asyncio.to_thread(config.load, Path(one["file"]), {})
    token = settings.upstream_token
    assert token is not None
    assert token not in json.dumps(one)
    assert token not in str(await sql.fetch("SELECT * FROM devices"))


async def test_files_that_are_there_are_never_replaced(
    url: str, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    first = await add(url, tmp_path, 2)
    before = Path(first[1]["file"]).read_text()
    done = await do(
        url, "add-device", "--name", 'Village "A"', "--count", "3", "--out", str(tmp_path),
        "--url", URL,
    )  # fmt: skip
    assert (done.exit_code, "is there already" in done.stderr) == (1, True)
    assert Path(first[1]["file"]).read_text() == before
    assert await sql.fetchval("SELECT count(*) FROM devices") == 2
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_url_that_no_hotspot_could_use_registers_nothing(
    url: str, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    done = await do(url, "add-device", "--name", "A", "--out", str(tmp_path), "--url", "example")
    assert (done.exit_code, "upstream_url" in done.stderr) == (1, True)
    assert await sql.fetchval("SELECT count(*) FROM devices") == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [["--count", "2"], ["--out", "."], ["--url", URL]])
async def test_options_that_belong_together(url: str, given: list[str]) -> None:
    done = await do(url, "add-device", "--name", "A", *given)
    assert done.exit_code == 2


async def test_devices_are_listed_and_revoked(url: str, store: PostgresStore) -> None:
    made = await ask(url, "add-device", "--name", "Box")
    (listed,) = await ask(url, "devices")
    assert (listed["deviceId"], listed["name"], listed["revokedAt"]) == (
        made["deviceId"],
        "Box",
        None,
    )
    assert (await do(url, "devices", "revoke", made["deviceId"])).exit_code == 0
    assert await store.device_by_token(hash_token(made["token"])) is None
    (listed,) = await ask(url, "devices", "list")
    revoked = listed["revokedAt"]
    assert revoked is not None
    assert (await do(url, "devices", "revoke", made["deviceId"])).exit_code == 0
    assert (await ask(url, "devices"))[0]["revokedAt"] == revoked
    assert "Box  hotspot  revoked" in (await do(url, "devices")).output
    unknown = await do(url, "devices", "revoke", "d0000000-0000-4000-8000-00000000dead")
    assert (unknown.exit_code, len(unknown.stderr.splitlines())) == (1, 1)
