"""A program: prints what it finds of the service type given, again and again, as lines of JSON."""

import asyncio
import sys

import msgspec

from hotspot.discovery.browse import find


async def look(service_type: str) -> None:
    while True:
        found = await find(service_type, seconds=2.0)
        print(msgspec.json.encode(found).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(look(sys.argv[1]))
