"""Intervals of 95 % for shares, means and paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

_Z = 1.959964


@dataclass(frozen=True)
class Difference:
    """Difference between two groups with its 95 % interval; n: pairs or draws that it is of."""

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the interval of a share by Wilson; n: 1 or more."""
    share, square = successes / n, _Z * _Z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = _Z / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean with the ends of its interval by Student; values: 2 or more."""
    mean = fmean(values)
    half = t_factor(len(values) - 1) * stdev(values) / sqrt(len(values))
    return mean, mean - half, mean + half


def paired_shares(pairs: Sequence[tuple[bool, bool]]) -> Difference:
    """Return the difference of two shares in pairs, first less second, by Bonett and Price (2012).

    Only pairs with different outcomes tell the groups apart. Half a pair is added to each of the
    four outcomes, so that the interval has a width where no pair differs.
    """
    n = len(pairs)
    first, second = (sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs))
    p, q = (first + 1) / (n + 2), (second + 1) / (n + 2)
    half = _Z * sqrt((p + q - (p - q) ** 2) / (n + 2))
    value = (first - second) / n
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    return Difference(value, min(low, value), max(high, value), n)


def paired_means(differences: Sequence[float]) -> Difference:
    """Return the mean of the pairs' differences with its interval by Student; 2 or more."""
    mean, low, high = mean_interval(differences)
    return Difference(mean, low, high, len(differences))


def t_factor(freedom: int) -> float:
    """Return the 97.5 % point of Student's distribution by its expansion (Abramowitz 26.7.5).

    freedom: degrees of freedom, 1 or more; from 10 on it is right in three decimal places.
    """
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    powers = (1, 2, 3)
    return z + sum(
        term / float(freedom) ** power for term, power in zip(terms, powers, strict=True)
    )
