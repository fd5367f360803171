"""Trees and lines together: the mean of their log-odds, by a share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dropout_service.learning.boosting import Booster
from dropout_service.learning.linear import Linear
from dropout_service.learning.rows import Floats


@dataclass(frozen=True)
class Blend:
    """share: how much of the margin is the lines', 0 to 1; the rest is the trees'.

    Both keep to the known directions, so their mean does.
    """

    booster: Booster
    linear: Linear
    share: float

    def margins(self, matrix: Floats) -> Floats:
        """Return log-odds before calibration."""
        return mixed(self.booster.margins(matrix), self.linear.margins(matrix), self.share)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return what each feature adds to each row's margin, and the base; they add up to it.

        The mean of two that add up adds up: a line's additions are its own Shapley values.
        """
        trees, tree_base = self.booster.contributions(matrix)
        lines, line_base = self.linear.contributions(matrix)
        bases = mixed(np.array([tree_base]), np.array([line_base]), self.share)
        return mixed(trees, lines, self.share), float(bases[0])

    def as_json(self) -> dict[str, Any]:
        """Return everything but the trees."""
        return {"linear": self.linear.as_json(), "linear_share": self.share}

    @classmethod
    def of(cls, text: str, told: Mapping[str, Any]) -> Self:
        """Return the blend of these trees and of what `as_json` told."""
        return cls(Booster(text), Linear.of(told["linear"]), told["linear_share"])


def mixed(trees: Floats, lines: Floats, share: float) -> Floats:
    """Return the mean of both by the lines' share."""
    return (1 - share) * trees + share * lines
