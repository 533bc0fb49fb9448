"""How long to wait before trying again what failed."""

LONGEST_S = 300.0
FIRST_S = 1.0
_DOUBLINGS = 16
"""More would only overflow: the longest wait is reached long before."""


def delay(failures: int, chance: float) -> float:
    """Seconds to wait after `failures` in a row (1 or more): twice as long each time, up to
    LONGEST_S, spread by `chance`.
    """
    return spread(min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, _DOUBLINGS)), chance)


def spread(seconds: float, chance: float) -> float:
    """`seconds`, less up to half of it by `chance` (from 0 to 1).

    So many who failed at the same moment do not all come back at the same moment.
    """
    return seconds * (1.0 - chance / 2)
