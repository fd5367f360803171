"""Calibration by an affine map of the log-odds: what adds up before, adds up after."""

from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import Floats

STEPS = 100
_CLOSE_ENOUGH = 1e-9
# A weak pull to the map that changes nothing: it decides only where there is next to no data. The
# slope stays positive, so that what raises the score before it raises it after.
_PULL = 5.0
_LEAST_SLOPE = 0.05


def probability(log_odds: Floats) -> Floats:
    """Return 0 to 1 of any finite log-odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


@dataclass(frozen=True)
class Affine:
    """log-odds = slope x margin + intercept."""

    slope: float
    intercept: float

    def __call__(self, margins: Floats) -> Floats:
        """Return calibrated log-odds of a model's margins."""
        return self.slope * margins + self.intercept


def fit_affine(margins: Floats, happened: Floats) -> Affine:
    """Return the map under which what happened is likeliest (Platt 1999, by Newton's method).

    margins: of rows that the model was not made from. happened: 0 or 1.
    """
    inputs = np.column_stack([margins, np.ones_like(margins)])
    rest = np.array([1.0, 0.0])
    weights = rest.copy()
    for _ in range(STEPS):
        expected = probability(inputs @ weights)
        slope = inputs.T @ (expected - happened) + _PULL * (weights - rest)
        curve = inputs.T @ (inputs * (expected * (1 - expected))[:, None]) + _PULL * np.eye(2)
        step = np.linalg.solve(curve, slope)
        weights = weights - step
        if np.abs(step).max() < _CLOSE_ENOUGH:
            break
    return Affine(max(_LEAST_SLOPE, float(weights[0])), float(weights[1]))
