"""Work beside the work at hand: calls in a thread of their own, in order, a few behind."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self


class Beside:
    """Runs calls one after the other; who asks for more than `depth` ahead waits."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._thread = ThreadPoolExecutor(1)
        self._under_way: deque[Future[Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the thread; what has not begun by then is dropped."""
        self._thread.shutdown(cancel_futures=True)

    def call(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Has `work(*arguments)` called; raises what an earlier call raised."""
        if len(self._under_way) == self._depth:
            self._under_way.popleft().result()
        self._under_way.append(self._thread.submit(work, *arguments))

    def finish(self) -> None:
        """Returns when all is done; raises what a call raised."""
        while self._under_way:
            self._under_way.popleft().result()
