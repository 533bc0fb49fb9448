"""A phone, as a program: it knows the mDNS service type and the public protocol, nothing else.

Usage: phone.py STATE COMMAND [ARGUMENT...]

STATE is the phone's own folder. It imports nothing of the hotspot. Each command prints one line of
JSON:
  find                      the hotspot on this network, and whether others answer too
  list                      the packages it offers
  download PACKAGE          the file, cut once on the way and resumed
  pair CODE                 a token of its own
  follow PACKAGE            all records of a package, and from then on what changes
  correct PACKAGE N         N corrected verses, pushed up
"""

import asyncio
import hashlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from zeroconf import ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

SERVICE = "_bible-hotspot._tcp.local."
PATIENCE_S = 20
OTHERS_S = 1.0
"""How long the phone goes on looking for other hotspots when it has found one."""
API = "/functions/v1"


class Phone:
    """What the phone remembers is in `STATE/phone.json`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "phone.json"
        self.memory: dict[str, Any] = (
            json.loads(self.file.read_text()) if self.file.exists() else {}
        )

    def remember(self, **facts: Any) -> None:
        self.memory.update(facts)
        self.file.write_text(json.dumps(self.memory))

    async def find(self) -> dict[str, Any]:
        """The first hotspot that answers to the service type; `others`: the names of the rest."""
        began = time.monotonic()
        found: asyncio.Queue[str] = asyncio.Queue()

        def seen(name: str, state_change: ServiceStateChange, **_: Any) -> None:
            if state_change is not ServiceStateChange.Removed:
                found.put_nowait(name)

        async with AsyncZeroconf() as zeroconf:
            browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[seen])
            name = await asyncio.wait_for(found.get(), PATIENCE_S)
            info = AsyncServiceInfo(SERVICE, name)
            if not await info.async_request(zeroconf.zeroconf, PATIENCE_S * 1000):
                raise SystemExit("The hotspot was announced, but does not say where it is.")
            url = await self.answering(info)
            seconds = time.monotonic() - began
            await asyncio.sleep(OTHERS_S)
            await browser.async_cancel()
        self.remember(url=url)
        names = {found.get_nowait() for _ in range(found.qsize())} - {name}
        others = sorted(one.removesuffix(f".{SERVICE}") for one in names)
        return {"name": info.get_name(), "url": url, "others": others, "seconds": round(seconds, 3)}

    async def answering(self, info: AsyncServiceInfo) -> str:
        """The first of the hotspot's addresses that answers."""
        for address in info.parsed_scoped_addresses():
            host = f"[{address}]" if ":" in address else address
            url = f"http://{host}:{info.port}"
            if await self.answers(url):
                return url
        raise SystemExit("The hotspot was found, but does not answer at any of its addresses.")

    async def answers(self, url: str) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(url + "/healthz") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False

    def headers(self) -> dict[str, str]:
        made = {"X-Client-Time": now()}
        if "token" in self.memory:
            made["Authorization"] = f"Bearer {self.memory['token']}"
        return made

    async def get(self, path: str) -> Any:
        async with (
            aiohttp.ClientSession(self.memory["url"]) as session,
            session.get(API + path, headers=self.headers(), raise_for_status=True) as response,
        ):
            return await response.json()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        async with (
            aiohttp.ClientSession(self.memory["url"]) as session,
            session.post(API + path, json=body, headers=self.headers()) as response,
        ):
            answer = await response.json()
            if response.status >= 400:
                raise SystemExit(f"{response.status}: {answer['message']}")
            return answer

    async def list(self) -> Any:
        return (await self.get("/packages"))["packages"]

    async def offered(self, package_id: str) -> dict[str, Any]:
        for one in await self.list():
            if one["packageId"] == package_id:
                return dict(one)
        raise SystemExit(f"The hotspot at {self.memory['url']} has no package {package_id!r}.")

    async def download(self, package_id: str) -> dict[str, Any]:
        """The package's file; the connection is cut half way, and the rest asked for by Range."""
        began = time.monotonic()
        info = await self.offered(package_id)
        path, target = f"{API}/packages/{package_id}/download", self.folder / f"{package_id}.bible"
        target.unlink(missing_ok=True)
        etag = await self.receive(path, target, {}, stop_at=info["sizeInBytes"] // 2)
        cut_at = target.stat().st_size
        resume = {"Range": f"bytes={cut_at}-", "If-Range": etag}
        await self.receive(path, target, resume, stop_at=None)
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        return {
            "bytes": target.stat().st_size,
            "cutAt": cut_at,
            "equal": digest == info["sha256"],
            "seconds": round(time.monotonic() - began, 3),
        }

    async def receive(
        self, path: str, target: Path, headers: dict[str, str], stop_at: int | None
    ) -> str:
        """Appends what comes to `target`, up to `stop_at` bytes; returns the ETag."""
        expected = 206 if headers else 200
        async with (
            aiohttp.ClientSession(self.memory["url"]) as session,
            session.get(path, headers=headers) as response,
        ):
            if response.status != expected:
                raise SystemExit(f"The download answered {response.status}, not {expected}.")
            with target.open("ab") as file:
                async for chunk in response.content.iter_chunked(64 * 1024):
                    file.write(chunk)
                    if stop_at is not None and file.tell() >= stop_at:
                        break
            return response.headers["ETag"]

    async def pair(self, code: str) -> dict[str, Any]:
        answer = await self.post("/devices", {"code": code, "name": "Ana's phone"})
        self.remember(token=answer["token"], deviceId=answer["deviceId"])
        return {"deviceId": answer["deviceId"]}

    async def follow(self, package_id: str) -> dict[str, Any]:
        """Reads the feed from where this phone stopped, to its end."""
        began = time.monotonic()
        tokens = self.memory.get("tokens", {})
        records = self.records()
        changed: list[dict[str, Any]] = []
        more = True
        while more:
            body = {"packageId": package_id, "maxChanges": 5000}
            if tokens.get(package_id):
                body["nextToken"] = tokens[package_id]
            page = await self.post("/sync/changes", body)
            for change in page["changes"]:
                records[change["recordId"]] = change
                changed.append(change)
            tokens[package_id], more = page["nextToken"], page["hasMore"]
        (self.folder / "records.json").write_text(json.dumps(records))
        self.remember(tokens=tokens)
        return {
            "records": len(changed),
            "seconds": round(time.monotonic() - began, 3),
            "last": [short(change) for change in changed[-10:]],
        }

    def records(self) -> dict[str, dict[str, Any]]:
        file = self.folder / "records.json"
        return json.loads(file.read_text()) if file.exists() else {}

    async def correct(self, package_id: str, count: str) -> dict[str, Any]:
        """Corrects the first verses of a package and pushes them, named by their versions."""
        began = time.monotonic()
        info = await self.offered(package_id)
        verses = [
            change
            for change in self.records().values()
            if change["table"] == "verse_texts"
            and change["record"]["text_version_id"] == info["textVersionId"]
            and not change["record"]["deleted_at"]
        ]
        verses.sort(key=lambda change: change["record"]["verse_id"])
        changes = [
            {
                "table": "verse_texts",
                "recordId": change["recordId"],
                "operation": "UPDATE",
                "record": {"verse_text": change["record"]["verse_text"] + " [corrected]"},
                "localTimestamp": now(),
                "baseVersion": change["version"],
            }
            for change in verses[: int(count)]
        ]
        batch = {"batchId": f"phone-{time.time_ns()}", "changes": changes}
        answer = await self.post("/sync/upload", {**batch, "deviceId": self.memory["deviceId"]})
        told = [
            {**result, "text": change["record"]["verse_text"]}
            for result, change in zip(answer["results"], changes, strict=True)
        ]
        seconds = round(time.monotonic() - began, 3)
        return {"applied": answer["applied"], "told": told, "seconds": seconds}


def short(change: dict[str, Any]) -> dict[str, Any]:
    record = change["record"]
    return {
        "recordId": change["recordId"],
        "operation": change["operation"],
        "text": record.get("verse_text"),
        "updatedAt": record["updated_at"],
        "deletedAt": record["deleted_at"],
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[2].startswith("_"):
        raise SystemExit(__doc__)
    command = getattr(Phone(Path(sys.argv[1])), sys.argv[2])
    print(json.dumps(asyncio.run(command(*sys.argv[3:])), ensure_ascii=False))


main()
