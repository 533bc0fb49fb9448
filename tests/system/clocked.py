"""A program: `hotspot run` on a machine whose clocks the file CLOCKS says, from moment to moment.

usage: python -m tests.system.clocked CLOCKS ...

What follows CLOCKS, the command that it stands before, is not looked at. See `clocks.Machine`.
"""

import asyncio
import logging
import sys
import time
from pathlib import Path

from hotspot import config, daemon
from hotspot.clock import BUILD_MS, Clock, monotonic_ms
from tests.system.clocks import Machine


def nobody_knows() -> None:
    """The time by the machine's own time service: it has none."""


if __name__ == "__main__":
    machine = Machine(Path(sys.argv[1]))
    real_ns, real_s = time.time_ns, time.time
    time.time_ns = lambda: real_ns() + machine.wall_off_ms * 1_000_000
    time.time = lambda: real_s() + machine.wall_off_ms / 1000
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    clock = Clock(
        BUILD_MS,
        monotonic=lambda: monotonic_ms() - machine.booted_ms,
        boot_id=machine.boot_id,
        believed=nobody_knows,
    )
    asyncio.run(daemon.run(config.load(None), clock))
