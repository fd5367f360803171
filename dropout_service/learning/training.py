"""Training of a model: calibration on held-out courses, and the fit on all rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dropout_service.learning.calibration import PlattScaling, fit_platt_scaling, probability
from dropout_service.learning.course_level import CourseLevel, fit_course_level
from dropout_service.learning.linear import STRENGTH, LinearModel, fit_linear
from dropout_service.learning.metrics import Metrics, metrics_of
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import (
    DEVIATION,
    fit_module_intercepts,
    intercepts_of,
)
from dropout_service.learning.rows import (
    DIRECTIONS,
    LABEL,
    NEED_ACTIVITY,
    WITH_ACTIVITY,
    WITHOUT_ACTIVITY,
    EnrolmentRows,
    Floats,
    Mask,
)
from dropout_service.learning.splits import calibration_splits

# Every fortnight during the weeks with the most withdrawals, then every four weeks.
TRAINING_DAYS = (*range(0, 113, 14), 140, 168, 196)
MIN_PER_OUTCOME = 20

# Called with the name of a step, the number of finished parts, and the number of all parts.
Progress = Callable[[str, int, int], None]


class TooFewEnrolments(Exception):
    """Fewer than `MIN_PER_OUTCOME` enrolments with one of the two labels."""


@dataclass(frozen=True)
class DayValidation:
    """Metrics of the calibrated model on one day, over held-out courses."""

    day: int
    metrics: Metrics


@dataclass(frozen=True)
class TrainedVariant:
    """Variant with its parameters and its metrics on held-out courses; rows: of its population.

    held_out: risk of each training row by a model that did not see its course, NaN if there was
    none.
    """

    variant: Variant
    rows: int
    parameters: dict[str, Any]
    validation: tuple[DayValidation, ...]
    held_out: Floats | None = field(default=None, compare=False)


@dataclass(frozen=True)
class TrainedModel:
    """Both variants; the one with activity is None without enough training rows of activity."""

    without_activity: TrainedVariant
    with_activity: TrainedVariant | None

    @property
    def model(self) -> RiskModel:
        """The model alone."""
        active = self.with_activity
        return RiskModel(self.without_activity.variant, active.variant if active else None)


def train(rows: EnrolmentRows, progress: Progress) -> TrainedModel:
    """Return a model of the labels.

    rows: with the features, the labels, and `starts_on` and `module` of the course.

    The variant with activity is trained on all rows, including rows with unknown activity, because
    few courses have an activity stream. It is calibrated on rows with activity.

    Raises:
        TooFewEnrolments: fewer than 20 enrolments with one of the labels.

    """
    if not _is_enough(rows):
        raise TooFewEnrolments(
            f"at least {MIN_PER_OUTCOME} enrolments of either outcome are needed"
        )
    everybody = np.ones(len(rows), dtype=bool)
    plain = _VariantTraining(rows, everybody, WITHOUT_ACTIVITY, "without activity", progress)
    active = rows["has_activity"].astype(bool)
    if not _is_enough(rows.where(active)):
        return TrainedModel(plain.variant(), None)
    richer = _VariantTraining(rows, active, WITH_ACTIVITY, "with activity", progress)
    return TrainedModel(plain.variant(), richer.variant())


def _is_enough(rows: EnrolmentRows) -> bool:
    positive = rows[LABEL] == 1
    sides = (rows["enrolment_id"][positive], rows["enrolment_id"][~positive])
    return all(len(np.unique(side)) >= MIN_PER_OUTCOME for side in sides)


@dataclass(frozen=True)
class _VariantTraining:
    """Training of one variant.

    rows: to train on. population: mask of the rows to calibrate on.
    """

    rows: EnrolmentRows
    population: Mask
    features: tuple[str, ...]
    name: str
    progress: Progress

    def variant(self) -> TrainedVariant:
        calibration, held_out = self._calibrated()
        validation = self._validation(held_out, self.rows.labels)
        linear, intercepts, level = self._fitted(self.rows)
        weights = self._weights(linear, calibration)
        variant = Variant(self.features, linear, calibration, weights, intercepts, level)
        parameters = {"linear_strength": STRENGTH, "module_deviation": DEVIATION}
        count = int(self.population.sum())
        return TrainedVariant(variant, count, parameters, validation, held_out)

    def _linear(self, rows: EnrolmentRows) -> LinearModel:
        # Whether activity is known depends on the course alone, and would be a constant of it.
        return fit_linear(
            rows.matrix(self.features),
            rows.labels,
            [DIRECTIONS[feature] for feature in self.features],
            [feature not in NEED_ACTIVITY for feature in self.features],
        )

    def _fitted(self, rows: EnrolmentRows) -> tuple[LinearModel, dict[str, float], CourseLevel]:
        linear = self._linear(rows)
        margins = linear.margins(rows.matrix(self.features))
        modules, labels = rows["module"], rows.labels
        intercepts = fit_module_intercepts(modules, margins, labels, rows["day"])
        level = fit_course_level(rows, margins + intercepts_of(intercepts, modules))
        return linear, intercepts, level

    def _calibrated(self) -> tuple[PlattScaling, Floats]:
        """Return the calibration fitted on held-out courses, and the calibrated risks there."""
        splits = calibration_splits(self.rows, self.population)
        margins = np.full(len(self.rows), np.nan)
        for done, split in enumerate(splits):
            self.progress(f"Calibrating {self.name}", done, len(splits))
            training, held_out = self.rows.where(split.training), self.rows.where(split.held_out)
            linear, intercepts, level = self._fitted(training)
            without_level = linear.margins(held_out.matrix(self.features))
            without_level += intercepts_of(intercepts, held_out["module"])
            margins[split.held_out] = without_level + level.added(held_out, without_level)[0]
        known = ~np.isnan(margins)
        labels = self.rows.labels
        calibration = fit_platt_scaling(margins[known], labels[known])
        return calibration, probability(calibration(margins))

    def _validation(self, risks: Floats, labels: Floats) -> tuple[DayValidation, ...]:
        days, known = self.rows["day"], ~np.isnan(risks)
        chosen = [(day, known & (days == day)) for day in np.unique(days)]
        return tuple(
            DayValidation(int(day), metrics_of(labels[of_day], risks[of_day]))
            for day, of_day in chosen
            if len(np.unique(labels[of_day])) > 1
        )

    def _weights(self, linear: LinearModel, calibration: PlattScaling) -> tuple[float, ...]:
        """Return the mean absolute contribution of each feature over rows with a known value."""
        matrix = self.rows.where(self.population).matrix(self.features)
        parts, _ = linear.contributions(matrix)
        known = ~np.isnan(matrix)
        sums = np.where(known, np.abs(parts), 0.0).sum(axis=0)
        means = calibration.slope * sums / np.maximum(1, known.sum(axis=0))
        return tuple(float(mean) for mean in means)
