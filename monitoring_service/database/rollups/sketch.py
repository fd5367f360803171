"""Quantile sketch of numbers, in the SQL of PostgreSQL.

A number falls into a bin of its logarithm, so each value of a bin is known within `RELATIVE_ERROR`,
and two sketches are merged by adding the counts of equal bins. Bins of negative numbers are
negative, that of zero is 0, so bins sort as their numbers do.
Source: Masson, Rim, Lee, DDSketch (PVLDB 12, 2019), section 2.
"""

from math import log

RELATIVE_ERROR = 0.01
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_WIDTH = log(_GAMMA)
# More than the bin of the smallest number is below zero.
_SHIFT = 50_000
# Beyond these, floats would overflow, or have fewer digits than a bin needs.
_SMALLEST, _LARGEST = "1e-307", "8e307"


def bin_of(number: str) -> str:
    """Return the expression of the bin of a numeric."""
    size = f"CAST(least(abs({number}), {_LARGEST}) AS double precision)"
    place = f"{_SHIFT} + ceil(ln({size}) / {_WIDTH!r})"
    return (
        f"CASE WHEN abs({number}) < {_SMALLEST} THEN 0"
        f" ELSE CAST(CAST(sign({number}) AS double precision) * ({place}) AS integer) END"
    )


def ranked(bins: str, *keys: str) -> str:
    """Return the query of the bins of a relation with their values and the counts up to them.

    bins: it has the columns `keys`, `bin` and `n`.
    """
    by = ", ".join(keys)
    value = f"sign(bin) * 2 * exp((abs(bin) - {_SHIFT}) * {_WIDTH!r}) / {_GAMMA + 1!r}"
    count = "sum(CAST(n AS double precision)) OVER"
    return (
        f"SELECT *, CASE WHEN bin = 0 THEN 0 ELSE {value} END AS at,"  # noqa: S608 - our own names
        f" {count} (PARTITION BY {by} ORDER BY bin) AS upto,"
        f" {count} (PARTITION BY {by}) AS whole FROM {bins}"
    )


def percentiles(lowest: str, highest: str) -> str:
    """Return the columns of the percentiles of grouped rows of `ranked`.

    They are interpolated between two ranks as `percentile_cont` does it, and lie between the lowest
    and the highest number, which are aggregates.
    """
    return ", ".join(
        f"{_bounded(_interpolated(share), lowest, highest)} AS {name}"
        for name, share in PERCENTILES.items()
    )


def _interpolated(share: float) -> str:
    rank = f"({share} * (whole - 1))"
    below = f"min(at) FILTER (WHERE upto > floor{rank})"
    above = f"min(at) FILTER (WHERE upto > ceil{rank})"
    part = f"max({rank} - floor{rank})"
    return f"{below} + {part} * ({above} - {below})"


def _bounded(value: str, lowest: str, highest: str) -> str:
    low, high = (
        f"CAST(least(greatest({end}, -{_LARGEST}), {_LARGEST}) AS double precision)"
        for end in (lowest, highest)
    )
    return f"least(greatest({value}, {low}), {high})"
