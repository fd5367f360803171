"""Natural frequencies: a share as so many of ten, of a hundred, or one of so many."""

from dataclasses import dataclass

_BASES = (10, 100, 1000)


@dataclass(frozen=True)
class Frequency:
    """So many of a base; a count of 0 means fewer than one in a thousand."""

    count: int
    base: int


def frequency(share: float) -> Frequency:
    """Return the share, 0 to 1, of the smallest base of which it is at least one."""
    for base in _BASES:
        count = round(share * base)
        if count:
            return Frequency(count, base)
    return Frequency(0, _BASES[-1])


def of_whole(share: float) -> Frequency:
    """Return a small share as one in so many; one above a half as `frequency`."""
    if share <= 0 or round(1 / share) == 1:
        return frequency(share)
    return Frequency(1, round(1 / share))
