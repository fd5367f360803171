"""Lines and trees together: trees that are boosted from a share of what the lines say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from dropout_service.learning.boosting import Booster
from dropout_service.learning.linear import Linear
from dropout_service.learning.rows import Floats


@dataclass(frozen=True)
class Blend:
    """The sum of both; share: how much of what the lines say counts, 0 to 1.

    Both keep to the known directions, so their sum does.
    """

    booster: Booster
    linear: Linear
    share: float

    def margins(self, matrix: Floats) -> Floats:
        """Return log-odds before calibration."""
        return self.linear.margins(matrix, self.share) + self.booster.margins(matrix)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return what each feature adds to each row's margin, and the base; they add up to it.

        The sum of two that add up adds up: a line's additions are its own Shapley values.
        """
        trees, tree_base = self.booster.contributions(matrix)
        lines, line_base = self.linear.contributions(matrix, self.share)
        return lines + trees, line_base + tree_base

    def as_json(self) -> dict[str, Any]:
        """Return everything but the trees."""
        return {"linear": self.linear.as_json(), "start_share": self.share}

    @classmethod
    def of(cls, text: str, told: Mapping[str, Any]) -> Self:
        """Return the blend of these trees and of what `as_json` told."""
        return cls(Booster(text), Linear.of(told["linear"]), told["start_share"])
