"""Calibration of log-odds by Platt scaling.

The map is affine, so that scaled contributions still add up to the log-odds.
"""

from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import Floats

_MAX_STEPS = 1000
_GRADIENT_TOLERANCE = 1e-9
# A weak penalty on the distance from slope 1 and intercept 0, which matters only with few rows.
_PENALTY = 5.0
# The slope stays positive, so that calibration does not change the order of the risks.
_MIN_SLOPE = 0.05


def probability(log_odds: Floats) -> Floats:
    """Return the probability, 0 to 1, of finite log-odds."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


@dataclass(frozen=True)
class PlattScaling:
    """Calibration: log-odds = slope x margin + intercept.

    The field names are stored in models.
    """

    slope: float
    intercept: float

    def __call__(self, margins: Floats) -> Floats:
        """Return the calibrated log-odds of a model's margins."""
        return self.slope * margins + self.intercept


def fit_platt_scaling(margins: Floats, labels: Floats) -> PlattScaling:
    """Return the scaling with the highest penalised likelihood and a slope above 0 (Platt 1999).

    margins: of rows that the model was not trained on. labels: 0 or 1.

    Raises:
        ArithmeticError: the margins are not finite.

    """
    # Imported here, because serving does not need it.
    from scipy.optimize import minimize  # noqa: PLC0415

    inputs = np.column_stack([margins, np.ones_like(margins)])
    identity = np.array([1.0, 0.0])

    def loss(weights: Floats) -> tuple[float, Floats]:
        log_odds = inputs @ weights
        losses = np.logaddexp(0.0, log_odds) - labels * log_odds
        penalty = _PENALTY * (weights - identity)
        gradient = inputs.T @ (probability(log_odds) - labels) + penalty
        total = losses.sum() + penalty @ (weights - identity) / 2
        return float(total / len(inputs)), gradient / len(inputs)

    # Bounded in the search itself, so that the intercept fits the slope.
    found = minimize(
        loss,
        identity,
        jac=True,
        method="L-BFGS-B",
        bounds=[(_MIN_SLOPE, None), (None, None)],
        options={"maxiter": _MAX_STEPS, "ftol": 0.0, "gtol": _GRADIENT_TOLERANCE},
    )
    if not np.isfinite(found.fun):
        raise ArithmeticError("no calibration can be found for these margins")
    return PlattScaling(float(found.x[0]), float(found.x[1]))
