"""Training of a model: tuning, calibration on held-out courses, and the fit on all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from dropout_service.learning.blend import Blend
from dropout_service.learning.boosting import TreeParameters, fit_booster, recorded_parameters
from dropout_service.learning.calibration import PlattScaling, fit_platt_scaling, probability
from dropout_service.learning.linear import STRENGTH, LinearModel, fit_linear
from dropout_service.learning.metrics import Metrics, log_loss, metrics_of
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import fit_module_intercepts, intercepts_of
from dropout_service.learning.rows import (
    DIRECTIONS,
    LABEL,
    WITH_ACTIVITY,
    WITHOUT_ACTIVITY,
    EnrolmentRows,
    Floats,
    Mask,
)
from dropout_service.learning.splits import Split, calibration_splits, validation_splits

# Every fortnight during the weeks with the most withdrawals, then every four weeks.
TRAINING_DAYS = (*range(0, 113, 14), 140, 168, 196)
MIN_PER_OUTCOME = 20

# Called with the name of a step, the number of finished parts, and the number of all parts.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SearchGrid:
    """Values to tune: leaves per tree, numbers of trees, and shares of the linear model."""

    leaves: tuple[int, ...] = (8,)
    trees: tuple[int, ...] = (10, 20, 30, 40, 60, 80, 120)
    shares: tuple[float, ...] = (0.0, 0.5, 1.0)


SEARCH_GRID = SearchGrid()


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


def train(rows: EnrolmentRows, progress: Progress, grid: SearchGrid = SEARCH_GRID) -> TrainedModel:
    """Return a model of the labels.

    rows: with the features, the labels, and `starts_on` and `module` of the course.

    The variant with activity is trained on all rows, including rows with unknown activity, because
    few courses have an activity stream. It is tuned and calibrated on rows with activity.

    Raises:
        TooFewEnrolments: fewer than 20 enrolments with one of the labels.

    """
    if not _is_enough(rows):
        raise TooFewEnrolments(
            f"at least {MIN_PER_OUTCOME} enrolments of either outcome are needed"
        )
    everybody = np.ones(len(rows), dtype=bool)
    plain = _VariantTraining(rows, everybody, WITHOUT_ACTIVITY, "without activity", progress, grid)
    active = rows["has_activity"].astype(bool)
    if not _is_enough(rows.where(active)):
        return TrainedModel(plain.variant(), None)
    richer = _VariantTraining(rows, active, WITH_ACTIVITY, "with activity", progress, grid)
    return TrainedModel(plain.variant(), richer.variant())


def _is_enough(rows: EnrolmentRows) -> bool:
    positive = rows[LABEL] == 1
    sides = (rows["enrolment_id"][positive], rows["enrolment_id"][~positive])
    return all(len(np.unique(side)) >= MIN_PER_OUTCOME for side in sides)


@dataclass(frozen=True)
class _VariantTraining:
    """Training of one variant.

    rows: to train on. population: mask of the rows to tune and to calibrate on.
    """

    rows: EnrolmentRows
    population: Mask
    features: tuple[str, ...]
    name: str
    progress: Progress
    grid: SearchGrid

    def variant(self) -> TrainedVariant:
        tuned, share = self._tuned()
        calibration, held_out = self._calibrated(tuned, share)
        validation = self._validation(held_out, self.rows.labels)
        blend = self._blend(self.rows, tuned, share)
        weights = self._weights(blend, calibration)
        margins = blend.margins(self.rows.matrix(self.features))
        intercepts = self._intercepts(margins, self.rows)
        variant = Variant(self.features, blend, calibration, weights, intercepts)
        parameters = {**recorded_parameters(tuned, len(self.rows)), "linear_strength": STRENGTH}
        count = int(self.population.sum())
        return TrainedVariant(variant, count, parameters, validation, held_out)

    def _blend(self, rows: EnrolmentRows, tuned: TreeParameters, share: float) -> Blend:
        return self._boosted(share, self._linear(rows), rows, tuned)

    def _boosted(
        self, share: float, linear: LinearModel, rows: EnrolmentRows, tuned: TreeParameters
    ) -> Blend:
        matrix = rows.matrix(self.features)
        start = linear.margins(matrix, share)
        directions = self._directions
        booster = fit_booster(matrix, rows.labels, self.features, directions, tuned, start)
        return Blend(booster, linear, share)

    def _intercepts(self, margins: Floats, rows: EnrolmentRows) -> dict[str, float]:
        return fit_module_intercepts(rows["module"], margins, rows.labels, rows["day"])

    @property
    def _directions(self) -> list[int]:
        return [DIRECTIONS[feature] for feature in self.features]

    def _linear(self, rows: EnrolmentRows) -> LinearModel:
        return fit_linear(rows.matrix(self.features), rows.labels, self._directions)

    def _tuned(self) -> tuple[TreeParameters, float]:
        """Return the tree parameters and the share with the least loss over the splits.

        Splits are by time and by module, weighted by their held-out rows.
        """
        splits = validation_splits(self.rows, self.population)
        sums: dict[tuple[TreeParameters, float], float] = {}
        for done, split in enumerate(splits):
            self.progress(f"Tuning {self.name}", done, len(splits))
            for candidate, loss in self._losses(split):
                sums[candidate] = sums.get(candidate, 0.0) + loss * split.held_out.sum()
        return min(sums, key=lambda candidate: sums[candidate])

    def _losses(self, split: Split) -> Iterator[tuple[tuple[TreeParameters, float], float]]:
        """Yield the loss of each candidate, with module intercepts and the best calibration.

        The margins are calibrated on the held-out rows themselves: the overall dropout rate
        differs from one presentation to the next, and tuning must not depend on it.
        """
        sides = self.rows.where(split.training), self.rows.where(split.held_out)
        training, held_out = sides
        labels = held_out.labels
        matrices = [rows.matrix(self.features) for rows in sides]
        linear, most = self._linear(training), max(self.grid.trees)
        for leaves, share in product(self.grid.leaves, self.grid.shares):
            booster = self._boosted(share, linear, training, TreeParameters(leaves, most)).booster
            starts = [linear.margins(matrix, share) for matrix in matrices]
            for count in self.grid.trees:
                of_training, of_held_out = (
                    start + booster.margins(matrix, count)
                    for start, matrix in zip(starts, matrices, strict=True)
                )
                intercepts = self._intercepts(of_training, training)
                margins = of_held_out + intercepts_of(intercepts, held_out["module"])
                risks = probability(fit_platt_scaling(margins, labels)(margins))
                yield (TreeParameters(leaves, count), share), log_loss(labels, risks)

    def _calibrated(self, tuned: TreeParameters, share: float) -> tuple[PlattScaling, Floats]:
        """Return the calibration fitted on held-out courses, and the calibrated risks there."""
        splits = calibration_splits(self.rows, self.population)
        margins = np.full(len(self.rows), np.nan)
        for done, split in enumerate(splits):
            self.progress(f"Calibrating {self.name}", done, len(splits))
            sides = self.rows.where(split.training), self.rows.where(split.held_out)
            training, held_out = sides
            blend = self._blend(training, tuned, share)
            of_training, of_held_out = (blend.margins(side.matrix(self.features)) for side in sides)
            intercepts = self._intercepts(of_training, training)
            margins[split.held_out] = of_held_out + intercepts_of(intercepts, held_out["module"])
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

    def _weights(self, blend: Blend, calibration: PlattScaling) -> tuple[float, ...]:
        """Return the mean absolute contribution of each feature over rows with a known value."""
        matrix = self.rows.where(self.population).matrix(self.features)
        parts, _ = blend.contributions(matrix)
        known = ~np.isnan(matrix)
        sums = np.where(known, np.abs(parts), 0.0).sum(axis=0)
        means = calibration.slope * sums / np.maximum(1, known.sum(axis=0))
        return tuple(float(mean) for mean in means)
