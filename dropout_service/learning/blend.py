"""Blend of a linear model and boosted trees: the trees start from a share of the linear model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from dropout_service.learning.boosting import Booster
from dropout_service.learning.linear import LinearModel
from dropout_service.learning.rows import Floats


@dataclass(frozen=True)
class Blend:
    """Sum of the trees and the linear model; share: factor of the linear contributions, 0 to 1.

    Both keep to the known directions, and so does their sum.
    """

    booster: Booster
    linear: LinearModel
    share: float

    def margins(self, matrix: Floats) -> Floats:
        """Return log-odds before calibration."""
        return self.linear.margins(matrix, self.share) + self.booster.margins(matrix)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return the contribution of each feature to each row's margin, and the base.

        The base and the contributions add up to the margin. The contributions of a regression are
        its Shapley values, so the sums are Shapley values of the blend.
        """
        trees, tree_base = self.booster.contributions(matrix)
        linear, linear_base = self.linear.contributions(matrix, self.share)
        return linear + trees, linear_base + tree_base

    def as_json(self) -> dict[str, Any]:
        """Return everything except the trees; the keys are stored in models."""
        return {"linear": self.linear.as_json(), "start_share": self.share}

    @classmethod
    def from_json(cls, trees: str, stored: Mapping[str, Any]) -> Self:
        """Return the blend from the text of its trees and the result of `as_json`."""
        return cls(Booster(trees), LinearModel.from_json(stored["linear"]), stored["start_share"])
