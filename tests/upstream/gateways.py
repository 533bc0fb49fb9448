"""Processes of `hotspot upstream run` over one database, and a client that asks any of them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hotspot import faults
from hotspot.model.records import Record
from tests.support.servers import free_port

PATIENCE_S = 30.0
ANSWERED = {"applied", "duplicate", "local_wins", "server_wins", "manual_required"}


@dataclass
class Gateway:
    """One process. `url`: where it answers."""

    process: asyncio.subprocess.Process
    url: str

    async def ended(self) -> int:
        """Its exit status, when it has come to its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def gateway(
    database_url: str,
    folder: Path,
    fault: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway that answers; it is stopped in the end. `fault`: a point at which it is killed."""
    port = free_port()
    given = {
        "HOTSPOT_DATABASE_URL": database_url,
        "HOTSPOT_DATA_DIR": str(folder),
        "HOTSPOT_HTTP_HOST": "127.0.0.1",
        "HOTSPOT_UPSTREAM_PORT": str(port),
        **({faults.VARIABLE: fault} if fault else {}),
        **(settings or {}),
    }
    with (folder / f"gateway-{port}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hotspot", "upstream", "run"),
            env={**os.environ, **given},
            stderr=log,
        )
    found = Gateway(process, f"http://127.0.0.1:{port}")
    try:
        await _answers(found)
        yield found
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await found.ended()


async def _answers(found: Gateway) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with http.get(f"{found.url}/healthz") as response:
                    if response.status == 200:
                        return
            assert found.process.returncode is None, "the gateway ended before it answered"
            await asyncio.sleep(0.05)


@dataclass
class Box:
    """A hotspot as gateways see it; it sends what it is told to until that is answered."""

    http: aiohttp.ClientSession
    token: str
    refused: list[int | None] = field(default_factory=list)

    async def ask(self, url: str, path: str, body: object) -> tuple[int, Any]:
        """The status and the JSON of one answer."""
        headers = {"Authorization": f"Bearer {self.token}", "X-Client-Clock": "synchronized"}
        target = f"{url}/functions/v1/{path}"
        async with self.http.post(target, json=body, headers=headers) as response:
            waits = "Retry-After" in response.headers
            assert waits == (response.status == 503), "a 503 says when to come again"
            return response.status, await response.json()

    async def upload(self, urls: Sequence[str], body: object) -> Any:
        """The answer to a batch, asked for at the gateways in turn until one gives it.

        `refused` gets what the others said: their statuses, and None where nobody answered.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for url in urls:
                    with suppress(aiohttp.ClientConnectionError):
                        status, answer = await self.ask(url, "sync/upload", body)
                        if status == 200:
                            return answer
                        assert status == 503, answer
                        self.refused.append(status)
                        continue
                    self.refused.append(None)
                await asyncio.sleep(0.05)


def batch(batch_id: str, edits: Sequence[Record], base: Mapping[str, str] | None = None) -> Any:
    """An upload of these rows, each made on the version that `base` has for its id."""
    return {
        "batchId": batch_id,
        "changes": [
            {
                "table": row.table,
                "recordId": row.id,
                "record": dict(row.to_wire()),
                "localTimestamp": row.updated_at,
                **({"baseVersion": base[row.id]} if base and row.id in base else {}),
            }
            for row in edits
        ],
    }
