"""A program: prints a line when it listens to the kernel, and one when a network changes."""

import asyncio
from contextlib import aclosing

from hotspot.uplink import links


async def heed() -> None:
    async with aclosing(links.changes()) as changes:
        first = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        print("listening", flush=True)
        await first
        print("changed", flush=True)


if __name__ == "__main__":
    asyncio.run(heed())
