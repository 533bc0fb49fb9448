"""Downloading a file whose hash is known: resumed where it was cut off, and verified."""

import asyncio
import errno
import hashlib
import os
import re
from pathlib import Path

import aiohttp

from hotspot import faults
from hotspot.errors import NoSpace, PackageRefused, TryLater, UpstreamRefused, UpstreamUnreachable

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_CHUNK = 256 * 1024
_SHA256_TAG = re.compile(r'"[0-9a-f]{64}"')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


async def describe(session: aiohttp.ClientSession, url: str) -> tuple[str, int]:
    """The SHA-256 (from the strong entity tag) and the size of what lies at `url`.

    Raises UpstreamUnreachable, TryLater, and UpstreamRefused for what cannot be verified.
    """
    try:
        async with session.head(url, timeout=TIMEOUT) as response:
            status, etag = response.status, response.headers.get("ETag", "")
            size = response.content_length
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UpstreamUnreachable(f"The server does not answer ({type(error).__name__}).") from None
    if status in (429, 503):
        raise TryLater("The server asks to come back later.")
    if status != 200:
        raise UpstreamRefused(f"The server does not have the file (status {status}).")
    if size is None or not _SHA256_TAG.fullmatch(etag):
        raise UpstreamRefused("The server does not say by which hash the file can be verified.")
    return etag.strip('"'), size


async def fetch(
    session: aiohttp.ClientSession, url: str, target: Path, sha256: str, size: int
) -> None:
    """Downloads `url` to `target`: a file of `size` bytes whose SHA-256 (hex) is `sha256`.

    The bytes gather in `target`.part, which stays when the transfer is cut off and is gone on
    with the next time. The target appears whole and durable, or not at all.

    Raises UpstreamUnreachable for a transfer that did not come to its end, TryLater and
    UpstreamRefused for what the server answered, NoSpace, and PackageRefused where it was another
    file; then the part is gone too.
    """
    part = _Part(target.with_name(target.name + ".part"), sha256, size)
    try:
        await asyncio.to_thread(part.open)
        try:
            if part.done < size:
                await _receive(session, url, part)
        finally:
            await asyncio.to_thread(part.close)
        await asyncio.to_thread(part.publish, target)
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise UpstreamUnreachable(
            f"The download was cut off ({type(error).__name__}); it goes on where it stopped."
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoSpace("There is no room left for the download.") from None


class _Part:
    """The file that the bytes gather in, and the hash of what it has. Every method blocks."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self._path = path
        self._sha256 = sha256
        self.size = size
        self.etag = f'"{sha256}"'
        self.done = 0

    def open(self) -> None:
        """Goes on with what an earlier transfer left, where it can be the beginning."""
        self._file = self._path.open("ab+")
        self._digest = hashlib.sha256()
        if self._path.stat().st_size > self.size:
            self.restart()
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            self._digest.update(chunk)
            self.done += len(chunk)

    def restart(self) -> None:
        """Forgets what is there: the server begins at the first byte."""
        self._file.truncate(0)
        self._digest = hashlib.sha256()
        self.done = 0

    def add(self, chunk: bytes) -> None:
        """Appends `chunk`. Raises PackageRefused, and drops all, for more than was announced."""
        self.done += len(chunk)
        if self.done > self.size:
            self._refuse()
        self._file.write(chunk)
        self._digest.update(chunk)

    def close(self) -> None:
        """Makes durable what is there."""
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())

    def publish(self, target: Path) -> None:
        """Gives the file its name if it is the right one. Raises PackageRefused otherwise."""
        if self._digest.hexdigest() != self._sha256:
            self._refuse()
        faults.point("audio.whole")
        self._path.replace(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _refuse(self) -> None:
        self._path.unlink()
        raise PackageRefused("What was downloaded is not the file that was announced.")


async def _receive(session: aiohttp.ClientSession, url: str, part: _Part) -> None:
    headers = {"Accept-Encoding": "identity"}
    if part.done:
        headers |= {"Range": f"bytes={part.done}-", "If-Range": part.etag}
    async with session.get(url, headers=headers, timeout=TIMEOUT) as response:
        _check_status(response.status)
        if response.status == 200:
            await asyncio.to_thread(part.restart)
        elif not _continues(response.headers.get("Content-Range", ""), part):
            raise UpstreamRefused("The server sent another part of the file than was asked for.")
        async for chunk in response.content.iter_chunked(_CHUNK):
            await asyncio.to_thread(part.add, chunk)
    if part.done < part.size:
        raise aiohttp.ClientPayloadError("the body is shorter than the file")


def _check_status(status: int) -> None:
    if status in (408, 425, 429) or status >= 500:
        raise TryLater(f"The server cannot send the file now (status {status}).")
    if status not in (200, 206):
        raise UpstreamRefused(f"The server does not send the file (status {status}).")


def _continues(content_range: str, part: _Part) -> bool:
    found = _CONTENT_RANGE.fullmatch(content_range)
    return found is not None and (int(found[1]), int(found[2])) == (part.done, part.size)
