"""A program: announces a hotspot of the name and identity given, until told to end.

Prints "announced", or why it cannot be.
"""

import asyncio
import signal
import sys

from hotspot.discovery.advertise import Advertiser
from hotspot.errors import PartUnavailable


async def announce(name: str, identity: str) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    try:
        async with Advertiser(name, 8080, identity, revision="1", look_every_s=0.1):
            print("announced", flush=True)
            await ending.wait()
    except PartUnavailable as error:
        print(error, flush=True)


if __name__ == "__main__":
    asyncio.run(announce(*sys.argv[1:]))
