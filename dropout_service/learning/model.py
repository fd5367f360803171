"""Trained model: two variants, with and without activity, and their scores of enrolments."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES
from dropout_service.learning.blend import Blend
from dropout_service.learning.calibration import PlattScaling, probability
from dropout_service.learning.module_intercepts import intercepts_of
from dropout_service.learning.rows import INPUTS, EnrolmentRows, Floats, Mask


@dataclass(frozen=True)
class Scores:
    """Scores of rows, in the order of the rows.

    probability: 0 to 1. base and contributions: log-odds; they add up to the log-odds of the
    probability. A feature that the row's variant does not use contributes 0. confidence: the share
    of known features, weighted by their usual contribution, 0 to 1.
    """

    probability: Floats
    base: Floats
    contributions: Mapping[str, Floats]
    confidence: Floats


@dataclass(frozen=True)
class Variant:
    """Calibrated blend over some features, with the intercepts of the training modules.

    weights: the mean absolute contribution of each feature over the training rows, in log-odds.
    """

    features: tuple[str, ...]
    blend: Blend
    calibration: PlattScaling
    weights: tuple[float, ...]
    module_intercepts: Mapping[str, float]

    def scores(self, rows: EnrolmentRows) -> Scores:
        """Return the scores of the rows with contributions."""
        matrix = rows.matrix(self.features)
        parts, base = self.blend.contributions(matrix)
        parts = self.calibration.slope * parts
        bases = self.calibration(base + intercepts_of(self.module_intercepts, rows["module"]))
        return Scores(
            probability(bases + parts.sum(axis=1)),
            bases,
            dict(zip(self.features, parts.T, strict=True)),
            self._confidence(matrix),
        )

    def _confidence(self, matrix: Floats) -> Floats:
        # Course-level features are always known and do not describe the student.
        is_of_student = [feature not in COURSE_LEVEL_FEATURES for feature in self.features]
        weights = np.where(is_of_student, self.weights, 0.0)
        known = ~np.isnan(matrix)
        total = weights.sum()
        if not total:
            return np.zeros(len(matrix))
        # At most 1: the order of summation differs, so rounding may exceed the total.
        return np.asarray(np.minimum(1.0, (known @ weights) / total), dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Return everything except the trees; the keys are stored in models."""
        return {
            "features": list(self.features),
            "calibration": asdict(self.calibration),
            "weights": list(self.weights),
            "levels": dict(self.module_intercepts),
            **self.blend.as_json(),
        }

    @classmethod
    def from_json(cls, trees: str, stored: Mapping[str, Any]) -> Self:
        """Return the variant from the text of its trees and the result of `as_json`.

        Raises:
            KeyError: stored by another release, with other features or in another form.

        """
        calibration = PlattScaling(**stored["calibration"])
        features, weights = tuple(stored["features"]), tuple(stored["weights"])
        if unknown := set(features) - set(INPUTS):
            raise KeyError(*unknown)
        # Models of the first releases have no module intercepts.
        intercepts = dict(stored.get("levels", {}))
        return cls(features, Blend.from_json(trees, stored), calibration, weights, intercepts)


@dataclass(frozen=True)
class RiskModel:
    """Two variants; each row is scored by the one that its course's data allow."""

    without_activity: Variant
    with_activity: Variant | None

    def uses_activity(self, rows: EnrolmentRows) -> Mask:
        """Return a mask of the rows that the variant with activity scores."""
        if self.with_activity is None:
            return np.zeros(len(rows), dtype=bool)
        return rows["has_activity"].astype(bool)

    def features_of(self, rows: EnrolmentRows) -> list[tuple[str, ...]]:
        """Return for each row the features of its variant."""
        plain, active = self.without_activity.features, self.with_activity
        return [
            active.features if is_active and active else plain
            for is_active in self.uses_activity(rows)
        ]

    def scores(self, rows: EnrolmentRows) -> Scores:
        """Return the scores of the rows, each by its variant."""
        active = self.uses_activity(rows)
        plain = self.without_activity.scores(rows.where(~active))
        if self.with_activity is None:
            return plain
        return _merged(active, self.with_activity.scores(rows.where(active)), plain)


def _merged(chosen: Mask, ones: Scores, others: Scores) -> Scores:
    """Return the scores of all rows: `ones` for the chosen rows, `others` for the rest."""
    names = ones.contributions.keys() | others.contributions.keys()
    zeros = {True: np.zeros(int(chosen.sum())), False: np.zeros(int((~chosen).sum()))}
    return Scores(
        _interleaved(chosen, ones.probability, others.probability),
        _interleaved(chosen, ones.base, others.base),
        {
            name: _interleaved(
                chosen,
                ones.contributions.get(name, zeros[True]),
                others.contributions.get(name, zeros[False]),
            )
            for name in sorted(names)
        },
        _interleaved(chosen, ones.confidence, others.confidence),
    )


def _interleaved(chosen: Mask, ones: Floats, others: Floats) -> Floats:
    merged = np.empty(len(chosen))
    merged[chosen], merged[~chosen] = ones, others
    return merged
