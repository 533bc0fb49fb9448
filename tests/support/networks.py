"""Machines on a network: namespaces joined by a pair of virtual Ethernet devices."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.sticks import run, wait_for

PROJECT = Path(__file__).parents[2]
DEADLINE_S = 30.0
WITHOUT_IPV6 = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
"""IPv6 goes on changing a network by itself for seconds after it came up."""


class Program:
    """A program that runs on a machine and tells what it does, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line that the program prints; fails where none comes in time."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            line = await self._process.stdout.readline()
        assert line, "the program ended without a word"
        return line.decode().rstrip("\n")

    async def rest(self) -> list[str]:
        """All further lines, when the program has ended."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.read()).decode().splitlines()

    async def end(self) -> None:
        """Asks the program to end, and waits until it has."""
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            await self._process.wait()


class Machine:
    """A network namespace with one Ethernet device, `eth0`, that has one address."""

    def __init__(self, namespace: str, address: str) -> None:
        self.namespace = namespace
        self.address = address

    @asynccontextmanager
    async def running(self, *command: str | Path) -> AsyncIterator[Program]:
        """A program on this machine, ended with the block."""
        inside = ["ip", "netns", "exec", self.namespace, *command]
        process = await asyncio.create_subprocess_exec(
            *inside, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
        )
        program = Program(process)
        try:
            yield program
        finally:
            await program.end()

    @asynccontextmanager
    async def python(self, module: str, *arguments: str) -> AsyncIterator[Program]:
        """A Python module of the tests, run as a program on this machine."""
        async with self.running(sys.executable, "-m", module, *arguments) as program:
            yield program

    def ip(self, *command: str) -> None:
        """Changes the machine's network as ip(8) does."""
        run("ip", "-n", self.namespace, *command)

    def link(self, state: str) -> None:
        """Pulls the machine's cable ("down") or plugs it in ("up")."""
        self.ip("link", "set", "eth0", state)

    def is_up(self) -> bool:
        """Whether the machine's cable carries a signal."""
        return "state UP" in run("ip", "-n", self.namespace, "link", "show", "eth0")


@contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them."""
    tag = uuid.uuid4().hex[:6]
    machines = Machine(f"hs-{tag}-a", "10.99.0.1"), Machine(f"hs-{tag}-b", "10.99.0.2")
    try:
        for machine in machines:
            run("ip", "netns", "add", machine.namespace)
        near, far = machines
        device, peer = ["eth0", "netns", near.namespace], ["eth0", "netns", far.namespace]
        run("ip", "link", "add", *device, "type", "veth", "peer", "name", *peer)
        for machine in machines:
            run("ip", "netns", "exec", machine.namespace, "sh", "-c", WITHOUT_IPV6)
            machine.ip("addr", "add", f"{machine.address}/24", "dev", "eth0")
            machine.ip("link", "set", "lo", "up")
            machine.link("up")
        wait_for(lambda: all(machine.is_up() for machine in machines))
        yield machines
    finally:
        for machine in machines:
            subprocess.run(
                ["ip", "netns", "delete", machine.namespace], capture_output=True, check=False
            )


@dataclass(frozen=True)
class Box:
    """A machine with two cables to this one: one to its phones, which stays, and an uplink.

    `address`: its own, for phones. `gateway`: this machine's at the other end of the uplink.
    """

    namespace: str
    address: str = "10.98.1.2"
    gateway: str = "10.98.2.1"

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that runs another one on the box."""
        return ("ip", "netns", "exec", self.namespace)

    def uplink(self, state: str) -> None:
        """Pulls the uplink's cable ("down") or plugs it in ("up")."""
        run("ip", "-n", self.namespace, "link", "set", "uplink", state)


@contextmanager
def box() -> Iterator[Box]:
    """A box whose cables are both plugged in."""
    tag = uuid.uuid4().hex[:6]
    made = Box(f"hs-{tag}")
    try:
        run("ip", "netns", "add", made.namespace)
        run(*made.inside, "sh", "-c", WITHOUT_IPV6)
        for number, name in ((1, "phones"), (2, "uplink")):
            here = f"hs{tag}{number}"
            far = ["peer", "name", name, "netns", made.namespace]
            run("ip", "link", "add", here, "type", "veth", *far)
            run("ip", "addr", "add", f"10.98.{number}.1/24", "dev", here)
            run("ip", "link", "set", here, "up")
            run("ip", "-n", made.namespace, "addr", "add", f"10.98.{number}.2/24", "dev", name)
            run("ip", "-n", made.namespace, "link", "set", name, "up")
        run("ip", "-n", made.namespace, "link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "delete", made.namespace], capture_output=True, check=False)
