"""Training: tuned by time and module, calibrated on courses left out, made from all rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_service.learning.boosting import Booster, Shape, described, fit_booster
from dropout_service.learning.calibration import Affine, fit_affine, probability
from dropout_service.learning.features import DIRECTIONS, WITH_ACTIVITY, WITHOUT_ACTIVITY
from dropout_service.learning.metrics import Metrics, log_loss, metrics_of
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.rows import EnrolmentRows, Floats
from dropout_service.learning.splits import Split, calibration_splits, validation_splits

HAPPENED = "happened"
# Once a fortnight through the course; a model of two weeks ago is none too old for a weekly talk.
TRAINING_DAYS = tuple(range(0, 225, 14))
LEAVES = (4, 8)
TREES = (60, 120, 180, 250, 350)
FEWEST_OF_EACH_KIND = 20

Progress = Callable[[str, int, int], None]


class TooLittleToLearn(Exception):
    """There are too few enrolments of one outcome or the other."""


@dataclass(frozen=True)
class Validated:
    """How a shape did on one split by day; by the calibrated model."""

    split: str
    day: int
    metrics: Metrics


@dataclass(frozen=True)
class TrainedVariant:
    """A variant, what decided it, and how it did on courses that it did not see."""

    variant: Variant
    rows: int
    parameters: dict[str, Any]
    validation: tuple[Validated, ...]


@dataclass(frozen=True)
class Trained:
    """Both variants; the one with activity is None where no training course has any."""

    without_activity: TrainedVariant
    with_activity: TrainedVariant | None

    @property
    def model(self) -> RiskModel:
        """The model alone."""
        active = self.with_activity
        return RiskModel(self.without_activity.variant, active.variant if active else None)


def train(rows: EnrolmentRows, progress: Progress) -> Trained:
    """Return a model of what happened.

    rows: with the features, `starts_on` and `module` of the course, and `happened` (0 or 1).
    progress: told the name of a step, how many parts of it are done, and of how many.

    Raises:
        TooLittleToLearn: fewer than 20 enrolments in which it happened, or did not.

    """
    plain = _train_variant(rows, WITHOUT_ACTIVITY, "without activity", progress)
    seen = rows.where(rows["has_activity"].astype(bool))
    if not _is_enough(seen):
        return Trained(plain, None)
    return Trained(plain, _train_variant(seen, WITH_ACTIVITY, "with activity", progress))


def _is_enough(rows: EnrolmentRows) -> bool:
    happened = rows[HAPPENED] == 1
    kinds = (rows["enrolment_id"][happened], rows["enrolment_id"][~happened])
    return all(len(np.unique(kind)) >= FEWEST_OF_EACH_KIND for kind in kinds)


def _train_variant(
    rows: EnrolmentRows, features: Sequence[str], name: str, progress: Progress
) -> TrainedVariant:
    if not _is_enough(rows):
        raise TooLittleToLearn(
            f"at least {FEWEST_OF_EACH_KIND} enrolments of either outcome are needed"
        )
    work = _Work(rows, tuple(features), name, progress)
    shape = work.tuned()
    calibration, validation = work.calibrated(shape)
    booster = work.fitted(rows, shape)
    variant = Variant(work.features, booster, calibration, work.weights(booster, calibration))
    return TrainedVariant(variant, len(rows), described(shape, len(rows)), validation)


@dataclass(frozen=True)
class _Work:
    rows: EnrolmentRows
    features: tuple[str, ...]
    name: str
    progress: Progress

    def fitted(self, rows: EnrolmentRows, shape: Shape) -> Booster:
        directions = [DIRECTIONS[feature] for feature in self.features]
        happened = rows[HAPPENED].astype(np.float64)
        return fit_booster(rows.matrix(self.features), happened, self.features, directions, shape)

    def tuned(self) -> Shape:
        """Return the shape with the least mean log loss over the splits by time and module."""
        splits = validation_splits(self.rows)
        most = [Shape(leaves, max(TREES)) for leaves in LEAVES]
        losses: dict[Shape, list[float]] = {}
        for done, (split, shape) in enumerate([(s, m) for s in splits for m in most]):
            self.progress(f"tuning, {self.name}", done, len(splits) * len(most))
            for trees, loss in self._losses(split, shape):
                losses.setdefault(Shape(shape.leaves, trees), []).append(loss)
        return min(losses, key=lambda tried: sum(losses[tried]))

    def _losses(self, split: Split, shape: Shape) -> list[tuple[int, float]]:
        booster = self.fitted(self.rows.where(split.learned), shape)
        judged = self.rows.where(split.judged)
        matrix, happened = judged.matrix(self.features), judged[HAPPENED].astype(np.float64)
        return [
            (trees, log_loss(happened, probability(booster.margins(matrix, trees))))
            for trees in TREES
        ]

    def calibrated(self, shape: Shape) -> tuple[Affine, tuple[Validated, ...]]:
        """Return the map fitted on courses left out, and how the model does there."""
        splits, margins = calibration_splits(self.rows), np.full(len(self.rows), np.nan)
        for done, split in enumerate(splits):
            self.progress(f"calibrating, {self.name}", done, len(splits))
            booster = self.fitted(self.rows.where(split.learned), shape)
            judged = self.rows.where(split.judged)
            margins[split.judged] = booster.margins(judged.matrix(self.features))
        known = ~np.isnan(margins)
        happened = self.rows[HAPPENED].astype(np.float64)
        calibration = fit_affine(margins[known], happened[known])
        return calibration, self._validation(probability(calibration(margins)), happened)

    def _validation(self, risks: Floats, happened: Floats) -> tuple[Validated, ...]:
        days, known = self.rows["day"], ~np.isnan(risks)
        chosen = [(day, known & (days == day)) for day in np.unique(days)]
        return tuple(
            Validated("courses left out", int(day), metrics_of(happened[of], risks[of]))
            for day, of in chosen
            if len(np.unique(happened[of])) > 1
        )

    def weights(self, booster: Booster, calibration: Affine) -> tuple[float, ...]:
        parts, _ = booster.contributions(self.rows.matrix(self.features))
        means = np.nanmean(np.where(np.isnan(self.rows.matrix(self.features)), np.nan, np.abs(parts)), axis=0)
        return tuple(float(weight) for weight in calibration.slope * means)
