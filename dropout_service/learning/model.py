"""A trained model: two variants, with and without activity, and what they say of enrolments."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES
from dropout_service.learning.blend import Blend
from dropout_service.learning.calibration import Affine, probability
from dropout_service.learning.features import KNOWN
from dropout_service.learning.module_intercepts import levels_of
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask


@dataclass(frozen=True)
class Scores:
    """What a model says of each row, in the order of the rows.

    probability: 0 to 1. base and contributions: log-odds; a row's contributions and its base add up
    to the log-odds of its probability. A feature that the row's variant does not have adds nothing.
    confidence: the share of the features, by what they usually contribute, that were known.
    """

    probability: Floats
    base: Floats
    contributions: Mapping[str, Floats]
    confidence: Floats


@dataclass(frozen=True)
class Variant:
    """Calibrated trees and lines over some features, and the levels of the modules learned from.

    weights: the mean size of each feature's contribution in the training rows, in log-odds.
    """

    features: tuple[str, ...]
    blend: Blend
    calibration: Affine
    weights: tuple[float, ...]
    levels: Mapping[str, float]

    def scores(self, rows: EnrolmentRows) -> Scores:
        """Return what the variant says of each row, with reasons."""
        matrix = rows.matrix(self.features)
        parts, base = self.blend.contributions(matrix)
        parts = self.calibration.slope * parts
        bases = self.calibration(base + levels_of(self.levels, rows["module"]))
        return Scores(
            probability(bases + parts.sum(axis=1)),
            bases,
            dict(zip(self.features, parts.T, strict=True)),
            self._confidence(matrix),
        )

    def _confidence(self, matrix: Floats) -> Floats:
        # What is of the course says nothing about how much is known of the student.
        is_of_student = [feature not in COURSE_LEVEL_FEATURES for feature in self.features]
        weights = np.where(is_of_student, self.weights, 0.0)
        known = ~np.isnan(matrix)
        total = weights.sum()
        if not total:
            return np.zeros(len(matrix))
        # Summed in another order, all of it may be a little more than the total.
        return np.asarray(np.minimum(1.0, (known @ weights) / total), dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Return everything but the trees."""
        return {
            "features": list(self.features),
            "calibration": asdict(self.calibration),
            "weights": list(self.weights),
            "levels": dict(self.levels),
            **self.blend.as_json(),
        }

    @classmethod
    def of(cls, text: str, told: Mapping[str, Any]) -> Self:
        """Return the variant of which `as_json` told.

        Raises:
            KeyError: another release told, of other features or in another form.

        """
        calibration = Affine(**told["calibration"])
        features, weights = tuple(told["features"]), tuple(told["weights"])
        if unknown := set(features) - set(KNOWN):
            raise KeyError(*unknown)
        # A model may be older than levels.
        levels = dict(told.get("levels", {}))
        return cls(features, Blend.of(text, told), calibration, weights, levels)


@dataclass(frozen=True)
class RiskModel:
    """Two variants; each enrolment is judged by the one that its course's data allow."""

    without_activity: Variant
    with_activity: Variant | None

    def uses_activity(self, rows: EnrolmentRows) -> Mask:
        """Tell which rows the variant with activity judges."""
        if self.with_activity is None:
            return np.zeros(len(rows), dtype=bool)
        return rows["has_activity"].astype(bool)

    def features_of(self, rows: EnrolmentRows) -> list[tuple[str, ...]]:
        """Return for each row the features of the variant that judges it."""
        plain, active = self.without_activity.features, self.with_activity
        return [
            active.features if is_active and active else plain
            for is_active in self.uses_activity(rows)
        ]

    def scores(self, rows: EnrolmentRows) -> Scores:
        """Return what the model says of each row, each by its variant."""
        active = self.uses_activity(rows)
        plain = self.without_activity.scores(rows.where(~active))
        if self.with_activity is None:
            return plain
        return _merged(active, self.with_activity.scores(rows.where(active)), plain)


def _merged(chosen: Mask, ones: Scores, others: Scores) -> Scores:
    names = ones.contributions.keys() | others.contributions.keys()
    nothing = {True: np.zeros(int(chosen.sum())), False: np.zeros(int((~chosen).sum()))}
    return Scores(
        _placed(chosen, ones.probability, others.probability),
        _placed(chosen, ones.base, others.base),
        {
            name: _placed(
                chosen,
                ones.contributions.get(name, nothing[True]),
                others.contributions.get(name, nothing[False]),
            )
            for name in sorted(names)
        },
        _placed(chosen, ones.confidence, others.confidence),
    )


def _placed(chosen: Mask, ones: Floats, others: Floats) -> Floats:
    found = np.empty(len(chosen))
    found[chosen], found[~chosen] = ones, others
    return found
