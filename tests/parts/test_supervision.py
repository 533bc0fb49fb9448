import asyncio

import pytest

from hotspot.errors import PartUnavailable
from hotspot.parts import supervision
from hotspot.parts.supervision import Supervisor


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_WAIT_S", 0.001)


async def test_a_part_that_fails_says_why_and_is_tried_again() -> None:
    supervisor, tries, running = Supervisor(), [], asyncio.Event()

    async def part() -> None:
        tries.append(dict(supervisor.states))
        if len(tries) == 1:
            raise PartUnavailable("There is no udev here.")
        if len(tries) == 2:
            raise ZeroDivisionError
        if len(tries) == 3:
            return
        running.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(supervisor.keep("drives", part))
    seen = []
    while not running.is_set():
        state = supervisor.states.get("drives")
        if state is not None and state not in seen:
            seen.append(state)
        await asyncio.sleep(0)
    assert len(tries) == 4
    assert supervisor.states["drives"].running
    sentences = [state.sentence for state in seen if not state.running]
    assert sentences[0] == "There is no udev here."
    assert "ZeroDivisionError" in sentences[1]
    assert sentences[2] == "It ended; it is started again."
    task.cancel()


async def test_cancelling_ends_it() -> None:
    supervisor, begun = Supervisor(), asyncio.Event()

    async def part() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(supervisor.keep("drives", part))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
