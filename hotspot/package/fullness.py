"""A card that is full, said as such."""

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from hotspot.errors import NoSpace

FULL = "The card is full: remove packages that nobody uses, or use a bigger card."
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def full_card_said(also: Collection[int] = ()) -> Iterator[None]:
    """Raises NoSpace for an OSError that says so, by the usual numbers or `also`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*_NO_ROOM, *also):
            raise
        raise NoSpace(FULL) from None
