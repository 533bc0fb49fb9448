"""Fetching audio whose record names another recording than the one that is here.

What is wanted is a row, written with the record that wants it. A fetch goes on where it was cut;
the new file is verified before it is served, and until then the old one is.
"""

import asyncio
import logging
import random
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp

from hotspot import faults
from hotspot.clock import Clock
from hotspot.errors import HotspotError
from hotspot.events import Bus, SyncFinished, UplinkChanged
from hotspot.http.download import describe, fetch
from hotspot.model import backoff
from hotspot.model.catalogue import AudioStore, StoredAudio, WantedAudio
from hotspot.syncing.syncer import Reachability

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Fetches at the same time: the uplink is slow, and the phones need the card."""
EVERY_S = 300.0
_NOT_IN_SUFFIX = re.compile(r"[^a-z0-9]")


class AudioFetches:
    """Fetches from the upstream at `url` into `folder`, while it can be reached."""

    def __init__(
        self,
        store: AudioStore,
        session: aiohttp.ClientSession,
        url: str,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._store = store
        self._session = session
        self._url = url.rstrip("/")
        self._folder = folder
        self._clock = clock

    async def run(self, bus: Bus, uplink: Reachability) -> None:
        """Fetches what is wanted after each session, and tries again what failed, for ever."""
        with bus.listen(SyncFinished, UplinkChanged) as events:
            while True:
                left = await self.fetch_all() if uplink.reachable else []
                with suppress(TimeoutError):
                    async with asyncio.timeout(_pause(left)):
                        await events.next()
                while not events.queue.empty():
                    events.queue.get_nowait()

    async def fetch_all(self) -> Sequence[WantedAudio]:
        """Tries everything that is wanted once; returns what is still wanted."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(wanted: WantedAudio) -> None:
            async with slots:
                await self._try(wanted)

        async with asyncio.TaskGroup() as group:
            for wanted in await self._store.wanted_audio():
                group.create_task(one(wanted))
        return await self._store.wanted_audio()

    async def _try(self, wanted: WantedAudio) -> None:
        try:
            audio = await self._fetch(wanted)
        except HotspotError as error:
            log.warning("Audio %s: %s", wanted.original_name, error)
            await self._store.audio_failed(wanted.media_file_id, str(error))
        else:
            log.info("Audio %s came from the server.", wanted.original_name)
            await self._store.audio_fetched(audio, self._clock.now())
            faults.point("audio.listed")

    async def _fetch(self, wanted: WantedAudio) -> StoredAudio:
        url = f"{self._url}/functions/v1/media/{wanted.media_file_id}"
        sha256, size = await describe(self._session, url)
        suffix = _suffix(wanted)
        target = self._folder / f"{sha256}.{suffix}"
        if not await asyncio.to_thread(target.exists):
            await fetch(self._session, url, target, sha256, size)
        faults.point("audio.received")
        return StoredAudio(
            media_file_id=wanted.media_file_id,
            file_name=target.name,
            offset=0,
            size=size,
            sha256=sha256,
            audio_format=suffix,
            original_name=wanted.original_name,
        )


def _suffix(wanted: WantedAudio) -> str:
    """'mp3' and the like: what the record says, as far as it can be part of a file's name."""
    name = wanted.audio_format.rpartition("/")[2] or wanted.original_name.rpartition(".")[2]
    return _NOT_IN_SUFFIX.sub("", name.lower())[:8] or "bin"


def _pause(left: Sequence[WantedAudio]) -> float:
    """Seconds until what failed is tried again unasked."""
    failures = [one.failures for one in left if one.failures]
    if not failures:
        return EVERY_S
    return backoff.delay(min(failures), random.random())
