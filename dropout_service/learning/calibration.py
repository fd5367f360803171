"""Calibration by an affine map of the log-odds: what adds up before, adds up after."""

from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import Floats

_MOST_STEPS = 1000
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
    """Return the map under which what happened is likeliest (Platt 1999), its slope above 0.

    margins: of rows that the model was not made from. happened: 0 or 1.

    Raises:
        ArithmeticError: there is none to be found, as where margins are not finite.

    """
    # Imported where it works: serving does not need it.
    from scipy.optimize import minimize  # noqa: PLC0415

    inputs = np.column_stack([margins, np.ones_like(margins)])
    rest = np.array([1.0, 0.0])

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_odds = inputs @ weights
        likelihood = np.logaddexp(0.0, log_odds) - happened * log_odds
        pulled = _PULL * (weights - rest)
        slope = inputs.T @ (probability(log_odds) - happened) + pulled
        held = likelihood.sum() + pulled @ (weights - rest) / 2
        return float(held / len(inputs)), slope / len(inputs)

    # Bounded, so that the intercept fits the slope that is taken.
    found = minimize(
        loss,
        rest,
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LEAST_SLOPE, None), (None, None)],
        options={"maxiter": _MOST_STEPS, "ftol": 0.0, "gtol": _CLOSE_ENOUGH},
    )
    if not np.isfinite(found.fun):
        raise ArithmeticError("no calibration can be found for these margins")
    return Affine(float(found.x[0]), float(found.x[1]))
