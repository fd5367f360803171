"""What is left to say of a module as a whole: how much more leave it than its signs tell."""

from collections.abc import Mapping

import numpy as np

from dropout_service.learning.rows import Column, Floats

# How far modules usually lie from each other, in log-odds: a stated choice.
DEVIATION = 0.3


def fit_levels(
    modules: Column, margins: Floats, happened: Floats, days: Column
) -> dict[str, float]:
    """Return for each module what is to be added to the log-odds of its rows.

    margins: log-odds without the levels. happened: 0 or 1. days: of the rows; who was there on all
    of them counts once, who left before counts by their share.

    A random intercept (Gelman and Hill 2007, Data Analysis Using Regression and
    Multilevel/Hierarchical Models, chapter 12): the likeliest value under a normal distribution
    around 0 with `DEVIATION`, so it stays the nearer to 0 the fewer enrolments tell of it.
    """
    count = len(np.unique(days))
    levels = {}
    for module in np.unique(modules):
        of = modules == module
        levels[str(module)] = _level(margins[of], happened[of], 1 / count)
    return levels


def _level(margins: Floats, happened: Floats, weight: float) -> float:
    # Imported where it works: serving does not need it.
    from scipy.optimize import brentq  # noqa: PLC0415
    from scipy.special import expit  # noqa: PLC0415

    def pull(level: float) -> float:
        missed = happened - expit(margins + level)
        return float(weight * missed.sum() - level / DEVIATION**2)

    # Beyond it the pull to 0 is stronger than all rows together.
    farthest = DEVIATION**2 * weight * len(margins)
    return float(brentq(pull, -farthest, farthest))


def levels_of(levels: Mapping[str, float], modules: Column) -> Floats:
    """Return the level of each row's module, 0 where nothing was learned of it."""
    return np.array([levels.get(str(module), 0.0) for module in modules], dtype=np.float64)
