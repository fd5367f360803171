"""Gradient-boosted trees that keep to known directions (LightGBM; Ke and others 2017)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_service.learning.rows import Floats

# LightGBM takes a second to import. It is imported in the functions that use it, so that a service
# without a model starts without it.
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
# With few rows the leaves may be smaller than `min_data_in_leaf`, down to this many rows.
_MIN_LEAF = 5
_LEAF_PER_ROW = 1 / 30


@dataclass(frozen=True)
class TreeParameters:
    """Tuned parameters of the trees: leaves per tree, and number of trees.

    The field names are stored in models.
    """

    leaves: int
    trees: int


def lightgbm_parameters(
    tuned: TreeParameters, row_count: int, directions: Sequence[int]
) -> dict[str, Any]:
    """Return LightGBM's parameters; directions: 1, -1 or 0 for each feature."""
    largest = int(_FIXED["min_data_in_leaf"])
    leaf = max(_MIN_LEAF, min(largest, int(row_count * _LEAF_PER_ROW)))
    return {
        **_FIXED,
        "num_leaves": tuned.leaves,
        "min_data_in_leaf": leaf,
        "monotone_constraints": list(directions),
    }


@dataclass(frozen=True)
class Booster:
    """Trees in LightGBM's text form."""

    text: str

    @cached_property
    def _trees(self) -> "lightgbm.Booster":
        from lightgbm import Booster as Trees  # noqa: PLC0415 - see above

        return Trees(model_str=self.text)

    def margins(self, matrix: Floats, trees: int | None = None) -> Floats:
        """Return log-odds before calibration; trees: number of the first trees to use, or all."""
        if not len(matrix):
            return np.empty(0)
        margins = self._trees.predict(matrix, raw_score=True, num_iteration=trees or -1)
        return np.asarray(margins, dtype=np.float64)

    def contributions(self, matrix: Floats) -> tuple[Floats, float]:
        """Return the contribution of each feature to each row's margin, and the base.

        The base and the contributions add up to the margin (Shapley values of trees; Lundberg and
        others 2020, From local explanations to global understanding). Without rows the base is 0.
        """
        if not len(matrix):
            return np.empty(matrix.shape), 0.0
        found = self._trees.predict(matrix, pred_contrib=True)
        values = np.asarray(found, dtype=np.float64)
        return values[:, :-1], float(values[0, -1])


def fit_booster(
    matrix: Floats,
    labels: Floats,
    names: Sequence[str],
    directions: Sequence[int],
    tuned: TreeParameters,
    start: Floats,
) -> Booster:
    """Return trees fitted to the labels (0 or 1).

    start: log-odds of each row before the first tree; the trees contain only the correction.
    """
    import lightgbm  # noqa: PLC0415 - see above

    settings = lightgbm_parameters(tuned, len(matrix), directions)
    rows = lightgbm.Dataset(
        matrix, labels, feature_name=list(names), init_score=start, params=settings
    )
    trained = lightgbm.train(settings, rows, num_boost_round=tuned.trees)
    return Booster(trained.model_to_string())


def recorded_parameters(tuned: TreeParameters, row_count: int) -> dict[str, Any]:
    """Return all parameters that determined the trees, to be stored with the model."""
    settings = lightgbm_parameters(tuned, row_count, ())
    del settings["monotone_constraints"]
    return {**settings, **asdict(tuned)}
