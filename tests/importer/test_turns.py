"""One at a time, the first in rank next; who gives up does not hold up the others."""

import asyncio
from pathlib import Path

from hotspot.importer.turns import Turns
from hotspot.model.plan import ImportAction
from hotspot.model.queueing import Rank
from tests.importer.conftest import Box
from tests.support.packages import combined_package, text_package


def rank(number: int) -> Rank:
    return (0, number, "")


async def test_the_first_in_rank_is_next() -> None:
    turns, served = Turns(), []

    async def wait(number: int) -> None:
        async with turns.turn(rank(number)):
            served.append(number)
            await asyncio.sleep(0)

    async with turns.turn(rank(0)):
        waiting = [asyncio.create_task(wait(number)) for number in (5, 3, 9, 3, 1)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert served == [1, 3, 3, 5, 9]


async def test_who_gives_up_passes_the_turn_on() -> None:
    turns = Turns()

    async def wait(number: int) -> int:
        async with turns.turn(rank(number)):
            return number

    async with turns.turn(rank(0)):
        first, second = (asyncio.create_task(wait(number)) for number in (1, 2))
        await asyncio.sleep(0)
    first.cancel()  # it has been called already, and has not begun
    assert await asyncio.wait_for(second, 5) == 2
    assert await asyncio.wait_for(wait(3), 5) == 3


async def test_a_text_of_one_stick_goes_before_the_audio_of_another(
    box: Box, tmp_path: Path
) -> None:
    audio = await asyncio.to_thread(combined_package, tmp_path / "first", "sung")
    await asyncio.to_thread(combined_package, tmp_path / "first", "spoken", size=300_000)
    text = await asyncio.to_thread(text_package, tmp_path / "second")
    first = asyncio.create_task(box.importer.import_folder(audio.parent))
    while not box.importer.jobs:
        await asyncio.sleep(0)
    second = asyncio.create_task(box.importer.import_folder(text.parent))
    results = [*await first, *await second]
    assert {one.action for one in results} == {ImportAction.NEW}
    order = [one.package_id for one in await box.store.imports(9)]
    assert order.index("text") < order.index("spoken")
