"""Logistic regressions that keep to known directions, one for each training day."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dropout_service.learning.calibration import probability
from dropout_service.learning.rows import Floats, Mask

_Bounds = tuple[float | None, float | None]

# Penalty on the squared slopes, per standard deviation of a feature.
STRENGTH = 300.0
# With few rows the penalty is smaller, so that it does not cancel the slopes.
_STRENGTH_PER_ROW = 1 / 10
_MAX_STEPS = 200
_ROUNDING = 1e-9
# Bound of a day's base log-odds, which keeps a day without any dropout finite.
_MAX_BASE = 8.0
# Share of a feature's training range by which a value may leave it and still counts as inside.
_TOLERANCE = 0.05


@dataclass(frozen=True)
class DayRegression:
    """Logistic regression of one day.

    base: the mean log-odds. A known feature adds at_zero + slope x value, an unknown feature adds
    if_unknown. A value outside the training range, lowest to highest, counts as the nearest value
    inside. The contributions of each feature have mean 0 over the training rows. The field names
    are stored in models.
    """

    day: float
    base: float
    slopes: tuple[float, ...]
    at_zero: tuple[float, ...]
    if_unknown: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def contributions(self, matrix: Floats) -> Floats:
        """Return the contribution of each feature to each row."""
        unknown = np.isnan(matrix)
        inside = np.clip(np.where(unknown, 0.0, matrix), self.lowest, self.highest)
        known = np.array(self.at_zero) + np.array(self.slopes) * inside
        return np.where(unknown, np.array(self.if_unknown), known)

    def is_outside(self, matrix: Floats) -> Mask:
        """Return a mask of the known values that are outside the training range."""
        lowest, highest = np.array(self.lowest), np.array(self.highest)
        tolerance = _TOLERANCE * (highest - lowest)
        # Comparisons with an unknown value are False.
        outside = (matrix < lowest - tolerance) | (matrix > highest + tolerance)
        return np.asarray(outside, dtype=np.bool_)


@dataclass(frozen=True)
class LinearModel:
    """Regressions in the order of their days; the first feature is the day.

    A day between two regressions has their mean, weighted by nearness. A day beyond all of them has
    the nearest regression.
    """

    regressions: tuple[DayRegression, ...]

    def margins(self, matrix: Floats) -> Floats:
        """Return log-odds before calibration."""
        parts, base = self.contributions(matrix)
        return np.asarray(base + parts.sum(axis=1), dtype=np.float64)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return the contribution of each feature to each row's margin, and the base.

        The base and the contributions add up to the margin.
        """
        base = float(np.mean([one.base for one in self.regressions]))
        parts = np.zeros(matrix.shape)
        for regression, chosen, nearness in self._by_day(matrix):
            found = regression.contributions(matrix[chosen])
            found[:, 0] = regression.base - base
            parts[chosen] += nearness[:, None] * found
        return parts, base

    def is_outside(self, matrix: Floats) -> Mask:
        """Return a mask of the known values outside the training range of all their days."""
        outside = np.ones(matrix.shape, dtype=bool)
        for regression, chosen, _ in self._by_day(matrix):
            outside[chosen] &= regression.is_outside(matrix[chosen])
        outside[:, 0] = False
        return outside

    def _by_day(self, matrix: Floats) -> Iterator[tuple[DayRegression, Mask, Floats]]:
        """Yield each regression with a mask of its rows, and with their nearness, 0 to 1."""
        days = [one.day for one in self.regressions]
        for regression, is_day in zip(self.regressions, np.eye(len(days)), strict=True):
            nearness = np.interp(matrix[:, 0], days, is_day)
            chosen = nearness > 0
            yield regression, chosen, nearness[chosen]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the regressions as numbers."""
        return [asdict(one) for one in self.regressions]

    @classmethod
    def from_json(cls, stored: Sequence[dict[str, Any]]) -> Self:
        """Return the regressions from the result of `as_json`."""
        fields = ("slopes", "at_zero", "if_unknown", "lowest", "highest")
        return cls(
            tuple(DayRegression(**{**one, **{f: tuple(one[f]) for f in fields}}) for one in stored)
        )


def fit_linear(
    matrix: Floats,
    labels: Floats,
    directions: Sequence[int],
    has_unknown_value: Sequence[bool],
    strength: float = STRENGTH,
) -> LinearModel:
    """Return for each day the regression with the highest penalised likelihood.

    matrix: the day is the first column. labels: 0 or 1. directions: 1, -1 or 0 for each feature; a
    slope never has the opposite sign. has_unknown_value: whether a feature adds a value of its own
    if it is unknown, else it adds nothing. strength: factor of half the squared slopes; at most a
    tenth of the day's rows.
    """
    bounds = [
        *map(_bounds, directions),
        *((None, None) if has_value else (0.0, 0.0) for has_value in has_unknown_value),
    ]
    days = np.unique(matrix[:, 0])
    chosen = [(float(day), matrix[:, 0] == day) for day in days]
    return LinearModel(
        tuple(_regression(day, matrix[of], labels[of], bounds, strength) for day, of in chosen)
    )


def _regression(
    day: float, matrix: Floats, labels: Floats, bounds: Sequence[_Bounds], strength: float
) -> DayRegression:
    unknown = np.isnan(matrix)
    counts = np.maximum(1, (~unknown).sum(axis=0))
    means = np.where(unknown, 0.0, matrix).sum(axis=0) / counts
    centred = np.where(unknown, 0.0, matrix - means)
    spread = np.sqrt((centred**2).mean(axis=0))
    # A constant column has a spread from rounding alone; an infinite scale makes its slope 0.
    scales = np.where(spread > _ROUNDING * np.abs(means), spread, np.inf)
    unknown_share = unknown.mean(axis=0)
    inputs = np.hstack([centred / scales, unknown - unknown_share])
    penalty = min(strength, _STRENGTH_PER_ROW * len(matrix))
    base, weights = _fit(inputs, labels, bounds, penalty)
    count = matrix.shape[1]
    slopes, of_unknown = weights[:count] / scales, weights[count:]
    return DayRegression(
        day,
        base,
        slopes=_as_tuple(slopes),
        at_zero=_as_tuple(-slopes * means - of_unknown * unknown_share),
        if_unknown=_as_tuple(of_unknown * (1 - unknown_share)),
        # Of a feature without any known value both are 0, and so is its slope.
        lowest=_as_tuple(means + centred.min(axis=0)),
        highest=_as_tuple(means + centred.max(axis=0)),
    )


def _as_tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _bounds(direction: int) -> _Bounds:
    return (0.0 if direction > 0 else None, 0.0 if direction < 0 else None)


def _fit(
    inputs: Floats,
    labels: Floats,
    bounds: Sequence[_Bounds],
    strength: float,
) -> tuple[float, Floats]:
    """Return base and weights with the least penalised log loss within the bounds."""
    # Imported here, because serving does not need it.
    from scipy.optimize import minimize  # noqa: PLC0415

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = weights[0] + inputs @ weights[1:]
        penalty = np.append(0.0, strength * weights[1:])
        residuals = probability(margins) - labels
        gradient = np.append(residuals.sum(), residuals @ inputs) + penalty
        losses = np.logaddexp(0.0, margins) - labels * margins
        return (float(losses.sum() + penalty @ weights / 2) / len(inputs), gradient / len(inputs))

    within = [(-_MAX_BASE, _MAX_BASE), *bounds]
    start = np.zeros(inputs.shape[1] + 1)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=within, options={"maxiter": _MAX_STEPS}
    )
    return float(found.x[0]), np.asarray(found.x[1:], dtype=np.float64)
