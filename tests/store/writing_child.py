"""A process that a test kills: writes edits and says which are acknowledged, or publishes."""

import asyncio
import sys
from pathlib import Path

from hotspot.clock import Clock
from hotspot.store.store import HotspotStore
from tests.contract.opened import T1, accept, accepted, verse
from tests.store.support import package


async def edit_for_ever(store: HotspotStore) -> None:
    """Four writers at the same time, each on records of its own."""

    async def writer(first: int) -> None:
        for n in range(first, 1_000_000, 4):
            await accept(store, accepted(verse(n, f"Text {n}", T1)))
            print(n, flush=True)

    await asyncio.gather(*map(writer, range(4)))


async def main(job: str, path: Path) -> None:
    clock = await asyncio.to_thread(Clock, 0)
    async with HotspotStore.open(path, clock) as store:
        if job == "edit":
            await edit_for_ever(store)
        else:
            await store.publish(package(), path.with_name("staging"), T1)
            print("published", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
