"""Many phones that push edits as fast as they can, and remember which were acknowledged."""

import threading
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

from tests.system.nodes import Hotspot
from tests.system.phones import Phone, edit

PHONES = 4


class Storm:
    """Pushes a new text of each verse, each in a batch of its own, until one is not answered.

    `acknowledged`: the texts that the hotspot has accepted, by the verses' ids. `cut`: whether the
    hotspot went away before all were pushed.
    """

    def __init__(
        self, hotspot: Hotspot, verses: list[dict[str, Any]], phones: int = PHONES
    ) -> None:
        self.acknowledged: dict[str, str] = {}
        self.cut = False
        self._verses: Queue[dict[str, Any]] = Queue()
        for verse in verses:
            self._verses.put(verse)
        paired = [Phone.pair(hotspot.url, _code(hotspot)) for _ in range(phones)]
        self._threads = [threading.Thread(target=self._push, args=[phone]) for phone in paired]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for thread in self._threads:
            thread.join()

    def _push(self, phone: Phone) -> None:
        while not self.cut:
            try:
                verse = self._verses.get_nowait()
            except Empty:
                return
            text = f"typed by a phone for {verse['record']['verse_id']}"
            answer = phone.upload(verse["recordId"], [edit(verse, text)])
            if answer is None:
                self.cut = True
            elif answer.status == 200 and answer.json["success"]:
                self.acknowledged[verse["recordId"]] = text


def _code(hotspot: Hotspot) -> str:
    return str(hotspot.ask("devices", "pair")["code"])
