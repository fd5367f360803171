"""Module intercepts: the difference of a module's dropout rate from the prediction, in log-odds."""

from collections.abc import Mapping

import numpy as np

from dropout_service.learning.rows import Column, Floats

# Standard deviation of the intercepts, in log-odds: a stated choice.
DEVIATION = 0.3


def fit_module_intercepts(
    modules: Column, margins: Floats, labels: Floats, days: Column
) -> dict[str, float]:
    """Return by module the constant to add to the log-odds of its rows.

    margins: log-odds without the intercepts. labels: 0 or 1. days: of the rows; an enrolment with
    a row on each day counts once, others count by their share of the days.

    A random intercept (Gelman and Hill 2007, Data Analysis Using Regression and
    Multilevel/Hierarchical Models, chapter 12): the likeliest value under a normal distribution
    around 0 with `DEVIATION`. So the intercept of a module with few enrolments is near 0.
    """
    day_count = len(np.unique(days))
    intercepts = {}
    for module in np.unique(modules):
        chosen = modules == module
        intercepts[str(module)] = _intercept(margins[chosen], labels[chosen], 1 / day_count)
    return intercepts


def _intercept(margins: Floats, labels: Floats, weight: float) -> float:
    # Imported here, because serving does not need it.
    from scipy.optimize import brentq  # noqa: PLC0415
    from scipy.special import expit  # noqa: PLC0415

    def gradient(intercept: float) -> float:
        residuals = labels - expit(margins + intercept)
        return float(weight * residuals.sum() - intercept / DEVIATION**2)

    # Beyond this value the prior is stronger than all rows together.
    bound = DEVIATION**2 * weight * len(margins)
    return float(brentq(gradient, -bound, bound))


def intercepts_of(intercepts: Mapping[str, float], modules: Column) -> Floats:
    """Return the intercept of each row's module, 0 for an unseen module."""
    return np.array([intercepts.get(str(module), 0.0) for module in modules], dtype=np.float64)
