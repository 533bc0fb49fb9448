"""A program: watches the upstream at the URL given, and prints what becomes of it."""

import asyncio
import sys

from hotspot.events import Bus, UplinkChanged
from hotspot.uplink.reachability import Uplink


async def watch(url: str) -> None:
    bus = Bus()
    with bus.listen(UplinkChanged) as events:
        async with asyncio.TaskGroup() as group:
            uplink = Uplink(url, bus, settle_s=0.1)
            group.create_task(uplink.run())
            async for event in events:
                assert isinstance(event, UplinkChanged)
                assert event.reachable == uplink.reachable
                print("reachable" if event.reachable else "out of reach", flush=True)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
