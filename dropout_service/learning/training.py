"""Training: tuned by time and module, calibrated on courses left out, made from all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_service.learning.blend import Blend, mixed
from dropout_service.learning.boosting import Booster, Shape, described, fit_booster
from dropout_service.learning.calibration import Affine, fit_affine, probability
from dropout_service.learning.features import DIRECTIONS, WITH_ACTIVITY, WITHOUT_ACTIVITY
from dropout_service.learning.linear import STRENGTH, Linear, fit_linear
from dropout_service.learning.metrics import Metrics, log_loss, metrics_of
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask
from dropout_service.learning.splits import Split, calibration_splits, validation_splits

HAPPENED = "happened"
# Once a fortnight while most leave, then once in four weeks.
TRAINING_DAYS = (*range(0, 113, 14), 140, 168, 196)
FEWEST_OF_EACH_KIND = 20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Search:
    """What is tried: sizes and numbers of trees, and how much of the log-odds is the lines'."""

    leaves: tuple[int, ...] = (4, 8)
    trees: tuple[int, ...] = (40, 80, 120, 160, 200)
    shares: tuple[float, ...] = (0.0, 0.5)


SEARCH = Search()


class TooLittleToLearn(Exception):
    """There are too few enrolments of one outcome or the other."""


@dataclass(frozen=True)
class Validated:
    """How the calibrated model did on a day, each course judged by a model without it."""

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


def train(rows: EnrolmentRows, progress: Progress, search: Search = SEARCH) -> Trained:
    """Return a model of what happened.

    rows: with the features, `starts_on` and `module` of the course, and `happened` (0 or 1).
    progress: told the name of a step, how many parts of it are done, and of how many.

    The variant with activity learns from all rows, in which activity may be unknown, since few
    courses have any; it is tuned and calibrated on those that have.

    Raises:
        TooLittleToLearn: fewer than 20 enrolments in which it happened, or did not.

    """
    if not _is_enough(rows):
        raise TooLittleToLearn(
            f"at least {FEWEST_OF_EACH_KIND} enrolments of either outcome are needed"
        )
    everybody = np.ones(len(rows), dtype=bool)
    plain = _Work(rows, everybody, WITHOUT_ACTIVITY, "without activity", progress, search).variant()
    active = rows["has_activity"].astype(bool)
    if not _is_enough(rows.where(active)):
        return Trained(plain, None)
    work = _Work(rows, active, WITH_ACTIVITY, "with activity", progress, search)
    return Trained(plain, work.variant())


def _is_enough(rows: EnrolmentRows) -> bool:
    happened = rows[HAPPENED] == 1
    kinds = (rows["enrolment_id"][happened], rows["enrolment_id"][~happened])
    return all(len(np.unique(kind)) >= FEWEST_OF_EACH_KIND for kind in kinds)


@dataclass(frozen=True)
class _Work:
    rows: EnrolmentRows
    population: Mask
    features: tuple[str, ...]
    name: str
    progress: Progress
    search: Search

    def variant(self) -> TrainedVariant:
        shape, share = self._tuned()
        calibration, validation = self._calibrated(shape, share)
        blend = self._fitted(self.rows, shape, share)
        variant = Variant(self.features, blend, calibration, self._weights(blend, calibration))
        decided = {**described(shape, len(self.rows)), "linear_strength": STRENGTH}
        return TrainedVariant(variant, int(self.population.sum()), decided, validation)

    def _fitted(self, rows: EnrolmentRows, shape: Shape, share: float) -> Blend:
        return Blend(self._booster(rows, shape), self._linear(rows), share)

    @property
    def _directions(self) -> list[int]:
        return [DIRECTIONS[feature] for feature in self.features]

    def _booster(self, rows: EnrolmentRows, shape: Shape) -> Booster:
        matrix, happened = rows.matrix(self.features), rows[HAPPENED].astype(np.float64)
        return fit_booster(matrix, happened, self.features, self._directions, shape)

    def _linear(self, rows: EnrolmentRows) -> Linear:
        happened = rows[HAPPENED].astype(np.float64)
        return fit_linear(rows.matrix(self.features), happened, self._directions)

    def _tuned(self) -> tuple[Shape, float]:
        """Return shape and share with the least log loss over the splits by time and module."""
        splits = validation_splits(self.rows, self.population)
        losses: dict[tuple[Shape, float], float] = {}
        for done, split in enumerate(splits):
            self.progress(f"Tuning {self.name}", done, len(splits))
            for tried, loss in self._losses(split):
                losses[tried] = losses.get(tried, 0.0) + loss
        return min(losses, key=lambda one: losses[one])

    def _losses(self, split: Split) -> Iterator[tuple[tuple[Shape, float], float]]:
        learned, judged = self.rows.where(split.learned), self.rows.where(split.judged)
        matrix, happened = judged.matrix(self.features), judged[HAPPENED].astype(np.float64)
        lines = self._linear(learned).margins(matrix)
        for leaves in self.search.leaves:
            booster = self._booster(learned, Shape(leaves, max(self.search.trees)))
            for count in self.search.trees:
                trees = booster.margins(matrix, count)
                for share in self.search.shares:
                    loss = log_loss(happened, probability(mixed(trees, lines, share)))
                    yield (Shape(leaves, count), share), loss

    def _calibrated(self, shape: Shape, share: float) -> tuple[Affine, tuple[Validated, ...]]:
        """Return the map fitted on courses left out, and how the model does there."""
        splits = calibration_splits(self.rows, self.population)
        margins = np.full(len(self.rows), np.nan)
        for done, split in enumerate(splits):
            self.progress(f"Calibrating {self.name}", done, len(splits))
            blend = self._fitted(self.rows.where(split.learned), shape, share)
            judged = self.rows.where(split.judged)
            margins[split.judged] = blend.margins(judged.matrix(self.features))
        known = ~np.isnan(margins)
        happened = self.rows[HAPPENED].astype(np.float64)
        calibration = fit_affine(margins[known], happened[known])
        return calibration, self._validated(probability(calibration(margins)), happened)

    def _validated(self, risks: Floats, happened: Floats) -> tuple[Validated, ...]:
        days, known = self.rows["day"], ~np.isnan(risks)
        chosen = [(day, known & (days == day)) for day in np.unique(days)]
        return tuple(
            Validated(int(day), metrics_of(happened[of], risks[of]))
            for day, of in chosen
            if len(np.unique(happened[of])) > 1
        )

    def _weights(self, blend: Blend, calibration: Affine) -> tuple[float, ...]:
        """Return the mean size of each feature's contribution where it is known."""
        matrix = self.rows.where(self.population).matrix(self.features)
        parts, _ = blend.contributions(matrix)
        known = ~np.isnan(matrix)
        sums = np.where(known, np.abs(parts), 0.0).sum(axis=0)
        means = calibration.slope * sums / np.maximum(1, known.sum(axis=0))
        return tuple(float(mean) for mean in means)
