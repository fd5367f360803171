"""Logistic regression that keeps to known directions: a line for each day, and between days."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dropout_service.learning.calibration import probability
from dropout_service.learning.rows import Floats

# How strongly slopes are held down, per standard deviation of a feature.
STRENGTH = 300.0
# In a small course it is less, or nothing would be left of the slopes.
_STRENGTH_PER_ROW = 1 / 10
_MOST_STEPS = 200
_ROUNDING = 1e-9
# No day's base rate lies beyond: it keeps a day without leavers finite.
_FARTHEST_BASE = 8.0


@dataclass(frozen=True)
class Line:
    """What each feature adds to the log-odds on one day.

    base: the mean log-odds. A known feature adds at_zero + slope x value, an unknown one
    if_unknown; over the rows learned from the additions of each feature have mean 0.
    """

    day: float
    base: float
    slopes: tuple[float, ...]
    at_zero: tuple[float, ...]
    if_unknown: tuple[float, ...]

    def contributions(self, matrix: Floats) -> Floats:
        """Return what each feature adds to each row."""
        unknown = np.isnan(matrix)
        known = np.array(self.at_zero) + np.array(self.slopes) * np.where(unknown, 0.0, matrix)
        return np.where(unknown, np.array(self.if_unknown), known)


@dataclass(frozen=True)
class Linear:
    """Lines of rising days; a day between two has their mean by nearness, one beyond the nearest.

    The first feature is the day.
    """

    lines: tuple[Line, ...]

    def margins(self, matrix: Floats, share: float = 1.0) -> Floats:
        """Return log-odds before calibration."""
        parts, base = self.contributions(matrix, share)
        return np.asarray(base + parts.sum(axis=1), dtype=np.float64)

    def contributions(self, matrix: Floats, share: float = 1.0) -> tuple[Floats, float]:
        """Return what each feature adds to each row's margin, and the base; they add up to it.

        share: how much of what a feature adds counts, 0 to 1; the day always counts in full.
        """
        base = float(np.mean([line.base for line in self.lines]))
        parts, days = np.zeros(matrix.shape), [line.day for line in self.lines]
        for line, is_line in zip(self.lines, np.eye(len(days)), strict=True):
            near = np.interp(matrix[:, 0], days, is_line)
            of = near > 0
            found = line.contributions(matrix[of])
            found[:, 0] = line.base - base
            parts[of] += near[of, None] * found
        parts[:, 1:] *= share
        return parts, base

    def as_json(self) -> list[dict[str, Any]]:
        """Return the lines as numbers."""
        return [asdict(line) for line in self.lines]

    @classmethod
    def of(cls, told: Sequence[dict[str, Any]]) -> Self:
        """Return the lines of which `as_json` told."""
        fields = ("slopes", "at_zero", "if_unknown")
        return cls(tuple(Line(**{**one, **{f: tuple(one[f]) for f in fields}}) for one in told))


def fit_linear(
    matrix: Floats, happened: Floats, directions: Sequence[int], strength: float = STRENGTH
) -> Linear:
    """Return for each day the line under which what happened (0 or 1) is likeliest.

    matrix: the day is the first column. directions: 1, -1 or 0 for each; a slope never goes
    against it. strength: of the penalty, half of it times the squared slopes; at most a tenth of
    the day's rows.
    """
    days = np.unique(matrix[:, 0])
    chosen = [(float(day), matrix[:, 0] == day) for day in days]
    return Linear(
        tuple(_line(day, matrix[of], happened[of], directions, strength) for day, of in chosen)
    )


def _line(
    day: float, matrix: Floats, happened: Floats, directions: Sequence[int], strength: float
) -> Line:
    unknown = np.isnan(matrix)
    counts = np.maximum(1, (~unknown).sum(axis=0))
    means = np.where(unknown, 0.0, matrix).sum(axis=0) / counts
    centred = np.where(unknown, 0.0, matrix - means)
    spread = np.sqrt((centred**2).mean(axis=0))
    # What is the same in every row has a spread of rounding, and must not get a slope by it.
    scales = np.where(spread > _ROUNDING * np.abs(means), spread, np.inf)
    shares = unknown.mean(axis=0)
    inputs = np.hstack([centred / scales, unknown - shares])
    bounds = [_bounds(direction) for direction in directions] + [(None, None)] * len(directions)
    held = min(strength, _STRENGTH_PER_ROW * len(matrix))
    base, weights = _likeliest(inputs, happened, bounds, held)
    slopes, of_unknown = weights[: len(directions)] / scales, weights[len(directions) :]
    at_zero = -slopes * means - of_unknown * shares
    if_unknown = of_unknown * (1 - shares)
    return Line(day, base, _told(slopes), _told(at_zero), _told(if_unknown))


def _told(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _bounds(direction: int) -> tuple[float | None, float | None]:
    return (0.0 if direction > 0 else None, 0.0 if direction < 0 else None)


def _likeliest(
    inputs: Floats,
    happened: Floats,
    bounds: Sequence[tuple[float | None, float | None]],
    strength: float,
) -> tuple[float, Floats]:
    """Return base and weights of least penalised log loss within the bounds."""
    # Imported where it works: serving does not need it.
    from scipy.optimize import minimize  # noqa: PLC0415

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = weights[0] + inputs @ weights[1:]
        held = np.append(0.0, strength * weights[1:])
        missed = probability(margins) - happened
        slope = np.append(missed.sum(), missed @ inputs) + held
        likelihood = np.logaddexp(0.0, margins) - happened * margins
        return (float(likelihood.sum() + held @ weights / 2) / len(inputs), slope / len(inputs))

    within = [(-_FARTHEST_BASE, _FARTHEST_BASE), *bounds]
    start = np.zeros(inputs.shape[1] + 1)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=within, options={"maxiter": _MOST_STEPS}
    )
    return float(found.x[0]), np.asarray(found.x[1:], dtype=np.float64)
