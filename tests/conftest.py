"""What every test stands on: no settings from outside, and nothing that blocks the event loop."""

import os
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

import hotspot.clock  # noqa: F401 - reads the boot's id once, before there is a loop to block


@pytest.fixture(scope="session", autouse=True)
def blocking_calls_fail() -> Iterator[BlockBuster]:
    """Fails the test in which the project's code blocks the event loop.

    Only calls with a frame of the project in their stack count: what a test itself does while its
    loop runs delays nobody.
    """
    with blockbuster_ctx("hotspot") as blockbuster:
        # asyncpg looks for the password file of each new connection, and offers no other way.
        blockbuster.functions["os.stat"].can_block_in(
            "asyncpg/connect_utils.py", "_read_password_file"
        )
        # As loop.sendfile: the socket does not block, and the file was read ahead.
        blockbuster.functions["os.sendfile"].can_block_in("http/sending.py", "_hand_over")
        yield blockbuster


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the settings in the developer's own environment out of every test."""
    remove_settings(monkeypatch)


def remove_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes every HOTSPOT_ variable except the HOTSPOT_TEST_ ones until the test ends."""
    for name in list(os.environ):
        if name.startswith("HOTSPOT_") and not name.startswith("HOTSPOT_TEST_"):
            monkeypatch.delenv(name)
