"""Many devices at once: each registered, with a settings file of its own to put on its card."""

import asyncio
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import msgspec
from asyncpg import Connection

from hotspot import config
from hotspot.errors import BadRequest
from hotspot.http.auth import hash_token, new_token
from hotspot.model.stores import Device
from hotspot.upstream import devices


class NewBox(msgspec.Struct, frozen=True, rename="camel"):
    """A device, and the settings file that alone has its token."""

    device_id: str
    name: str
    file: str


async def add_boxes(
    connection: Connection, name: str, count: int, url: str, folder: Path
) -> Sequence[NewBox]:
    """Registers `count` hotspots, all or none, and writes a settings file for each into `folder`.

    `url`: the server's, as the hotspots reach it. Raises BadRequest where a file is there already,
    and ConfigError where a hotspot could not use its settings.
    """
    if not name.isprintable():
        raise BadRequest("A name has characters that cannot be printed.")
    made = [_box(name, number, count, folder) for number in range(1, count + 1)]
    tokens = [new_token() for _ in made]
    texts = [_settings(box.name, url, token) for box, token in zip(made, tokens, strict=True)]
    unfinished = await asyncio.to_thread(_write, folder, made, texts)
    try:
        await asyncio.to_thread(config.load, unfinished / Path(made[0].file).name, {})
        async with connection.transaction():
            for box, token in zip(made, tokens, strict=True):
                device = Device(id=box.device_id, name=box.name, role="hotspot")
                await devices.add_device(connection, device, hash_token(token))
        await asyncio.to_thread(_publish, unfinished, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
    return made


def _box(name: str, number: int, count: int, folder: Path) -> NewBox:
    """The one of that number; so many digits that the files are in the order of the numbers."""
    place = f"{number:0{max(3, len(str(count)))}}"
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "hotspot"
    return NewBox(str(uuid4()), f"{name} {place}", str(folder / f"{base}-{place}.toml"))


def _settings(name: str, url: str, token: str) -> str:
    """A settings file; a JSON text of printable characters is one of TOML too."""
    values = {"name": name, "upstream_url": url, "upstream_token": token}
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def _write(folder: Path, boxes: Sequence[NewBox], texts: Sequence[str]) -> Path:
    """Writes the files durably beside their places, where nobody takes them for finished."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for box in boxes:
            if Path(box.file).exists():
                raise BadRequest(f"{box.file} is there already: choose another name or folder.")
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
        for box, text in zip(boxes, texts, strict=True):
            file = os.open(unfinished / Path(box.file).name, os.O_WRONLY | os.O_CREAT, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as writing:
                writing.write(text)
                writing.flush()
                os.fsync(file)
    except OSError as error:
        raise BadRequest(f"The files cannot be written to {folder}: {error.strerror}.") from None
    return unfinished


def _publish(unfinished: Path, folder: Path) -> None:
    for file in sorted(unfinished.iterdir()):
        file.rename(folder / file.name)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
