"""Gradient-boosted trees that keep to known directions (LightGBM; Ke and others 2017)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_service.learning.rows import Floats

# LightGBM takes a second to import: it is imported where it works, so that a service that predicts
# by rules starts without it.
if TYPE_CHECKING:
    import lightgbm

# One thread and a seed: the same rows give the same trees on any machine.
_FIXED: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.08,
    "min_data_in_leaf": 300,
    "lambda_l2": 50.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
# In a small course the leaves become smaller, down to this many rows.
_FEWEST_IN_LEAF = 5
_LEAVES_PER_ROW = 1 / 30


@dataclass(frozen=True)
class Shape:
    """How large the trees are, and how many: what is tuned."""

    leaves: int
    trees: int


def parameters(shape: Shape, row_count: int, directions: Sequence[int]) -> dict[str, Any]:
    """Return LightGBM's parameters; directions: 1, -1 or 0 for each feature."""
    most = int(_FIXED["min_data_in_leaf"])
    leaf = max(_FEWEST_IN_LEAF, min(most, int(row_count * _LEAVES_PER_ROW)))
    return {
        **_FIXED,
        "num_leaves": shape.leaves,
        "min_data_in_leaf": leaf,
        "monotone_constraints": list(directions),
    }


@dataclass(frozen=True)
class Booster:
    """Trees, as the text that LightGBM writes."""

    text: str

    @cached_property
    def _trees(self) -> "lightgbm.Booster":
        from lightgbm import Booster as Trees  # noqa: PLC0415 - see above

        return Trees(model_str=self.text)

    def margins(self, matrix: Floats, trees: int | None = None) -> Floats:
        """Return log-odds before calibration; trees: only the first so many."""
        if not len(matrix):
            return np.empty(0)
        found = self._trees.predict(matrix, raw_score=True, num_iteration=trees or -1)
        return np.asarray(found, dtype=np.float64)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return what each feature adds to each row's margin, and the base.

        The base and the contributions add up to the margin, whatever the features (Shapley values
        of trees; Lundberg and others 2020, From local explanations to global understanding).
        Without rows there is nothing, and the base is 0.
        """
        if not len(matrix):
            return np.empty(matrix.shape), 0.0
        found = self._trees.predict(matrix, pred_contrib=True)
        values = np.asarray(found, dtype=np.float64)
        return values[:, :-1], float(values[0, -1])


def fit_booster(
    matrix: Floats,
    happened: Floats,
    names: Sequence[str],
    directions: Sequence[int],
    shape: Shape,
    start: Floats,
) -> Booster:
    """Return trees that tell what happened (0 or 1) from the features.

    start: log-odds of each row at which the trees begin; they hold only what is to be added.
    """
    import lightgbm  # noqa: PLC0415 - see above

    settings = parameters(shape, len(matrix), directions)
    rows = lightgbm.Dataset(
        matrix, happened, feature_name=list(names), init_score=start, params=settings
    )
    trained = lightgbm.train(settings, rows, num_boost_round=shape.trees)
    return Booster(trained.model_to_string())


def described(shape: Shape, row_count: int) -> dict[str, Any]:
    """Return everything that decided the trees, for the record."""
    settings = parameters(shape, row_count, ())
    del settings["monotone_constraints"]
    return {**settings, **asdict(shape)}
