"""Trained model: two variants, with and without activity, and their scores of enrolments."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES
from dropout_service.learning.calibration import PlattScaling, probability
from dropout_service.learning.course_level import CourseLevel
from dropout_service.learning.linear import LinearModel
from dropout_service.learning.module_intercepts import intercepts_of
from dropout_service.learning.rows import INPUTS, EnrolmentRows, Floats, Mask

# In a smaller course the mean says little; its students are compared with the training rows.
MIN_STUDENTS_TO_COMPARE = 10
# Share by which a known value outside the training range counts less for the confidence.
_OUTSIDE = 0.5


@dataclass(frozen=True)
class Scores:
    """Scores of rows, in the order of the rows.

    probability: 0 to 1. base and contributions: log-odds; they add up to the log-odds of the
    probability. The base is equal for all rows of a course on a day, and contains the mean of their
    contributions from 10 rows on. A feature that the row's variant does not use contributes 0.
    confidence: the share of known features, weighted by their usual contribution, 0 to 1; a value
    outside the training range counts half.
    """

    probability: Floats
    base: Floats
    contributions: Mapping[str, Floats]
    confidence: Floats

    def first(self, count: int) -> Self:
        """Return the scores of the first rows."""
        return type(self)(
            self.probability[:count],
            self.base[:count],
            {name: column[:count] for name, column in self.contributions.items()},
            self.confidence[:count],
        )


@dataclass(frozen=True)
class Variant:
    """Calibrated regressions over some features, with module intercepts and the course level.

    weights: the mean absolute contribution of each feature over the training rows, in log-odds.
    """

    features: tuple[str, ...]
    linear: LinearModel
    calibration: PlattScaling
    weights: tuple[float, ...]
    module_intercepts: Mapping[str, float]
    level: CourseLevel

    def scores(self, rows: EnrolmentRows) -> Scores:
        """Return the scores of the rows with contributions.

        The level of a course is known if the rows contain those of 28 days before, too.
        """
        matrix = rows.matrix(self.features)
        parts, base = self.linear.contributions(matrix)
        bases = base + intercepts_of(self.module_intercepts, rows["module"])
        level, is_outside = self.level.added(rows, bases + parts.sum(axis=1))
        parts = self.calibration.slope * parts
        shared = _shared(rows, parts)
        bases, parts = self.calibration(bases + level) + shared.sum(axis=1), parts - shared
        return Scores(
            probability(bases + parts.sum(axis=1)),
            bases,
            dict(zip(self.features, parts.T, strict=True)),
            self._confidence(matrix, is_outside),
        )

    def _confidence(self, matrix: Floats, is_level_outside: Mask) -> Floats:
        # Course-level features do not describe the student: being known they add nothing.
        is_of_student = [name not in COURSE_LEVEL_FEATURES for name in self.features]
        weights = np.where(is_of_student, self.weights, 0.0)
        total = weights.sum()
        if not total:
            return np.zeros(len(matrix))
        credit = ~np.isnan(matrix) - _OUTSIDE * self.linear.is_outside(matrix)
        level_share = self.calibration.slope * self.level.size / total
        inside = 1 - _OUTSIDE * min(1.0, level_share) * is_level_outside
        # At most 1: the order of summation differs, so rounding may exceed the total.
        return np.asarray(np.minimum(1.0, credit @ weights / total) * inside, dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Return the variant as numbers and texts; the keys are stored in models."""
        return {
            "features": list(self.features),
            "calibration": asdict(self.calibration),
            "weights": list(self.weights),
            "levels": dict(self.module_intercepts),
            "linear": self.linear.as_json(),
            "course_level": asdict(self.level),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the variant from the result of `as_json`.

        Raises:
            KeyError: stored by another release, with other features or in another form.

        """
        calibration = PlattScaling(**stored["calibration"])
        features, weights = tuple(stored["features"]), tuple(stored["weights"])
        if unknown := set(features) - set(INPUTS):
            raise KeyError(*unknown)
        linear = LinearModel.from_json(stored["linear"])
        level = CourseLevel.from_json(stored["course_level"])
        return cls(features, linear, calibration, weights, dict(stored["levels"]), level)


def _shared(rows: EnrolmentRows, parts: Floats) -> Floats:
    """Return for each row the contributions that belong to the base of its course and day.

    In that way a reason is a difference from the course: what is equal for everybody is none.
    """
    day_and_course = np.char.add(np.char.mod("%d ", rows["day"]), rows["course"])
    _, course = np.unique(day_and_course, return_inverse=True)
    counts = np.bincount(course)
    sums = np.zeros((len(counts), parts.shape[1]))
    np.add.at(sums, course, parts)
    means = sums / np.maximum(counts, 1)[:, None]
    is_large = counts >= MIN_STUDENTS_TO_COMPARE
    return np.asarray(np.where(is_large[:, None], means, 0.0)[course], dtype=np.float64)


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
