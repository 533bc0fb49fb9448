"""Hashing parts of a file while all of it goes by."""

from collections.abc import Sequence
from hashlib import sha256

Span = tuple[int, int]
"""The first byte of a part, and how many it has."""


class SpanHashes:
    """The SHA-256 of each of `spans`, in order and apart, of a file that is fed from its start."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._done = 0
        self._digests: list[str] = []
        self._digest = sha256()

    def update(self, piece: memoryview) -> None:
        """The next bytes of the file."""
        done, end = self._done, self._done + len(piece)
        self._done = end
        while len(self._digests) < len(self._spans):
            start, size = self._spans[len(self._digests)]
            if start >= end:
                break
            self._digest.update(piece[max(start - done, 0) : start + size - done])
            if start + size > end:
                break
            self._end_span()

    def result(self) -> tuple[str, ...]:
        """The hashes, in hex, once all of the file was fed."""
        while len(self._digests) < len(self._spans):
            self._end_span()
        return tuple(self._digests)

    def _end_span(self) -> None:
        self._digests.append(self._digest.hexdigest())
        self._digest = sha256()
