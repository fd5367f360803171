"""Training: tuned by time and module, calibrated on courses left out, made from all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from dropout_service.learning.blend import Blend
from dropout_service.learning.boosting import Shape, described, fit_booster
from dropout_service.learning.calibration import Affine, fit_affine, probability
from dropout_service.learning.features import DIRECTIONS, WITH_ACTIVITY, WITHOUT_ACTIVITY
from dropout_service.learning.linear import STRENGTH, Linear, fit_linear
from dropout_service.learning.metrics import Metrics, log_loss, metrics_of
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import fit_levels, levels_of
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask
from dropout_service.learning.splits import Split, calibration_splits, validation_splits

HAPPENED = "happened"
# Once a fortnight while most leave, then once in four weeks.
TRAINING_DAYS = (*range(0, 113, 14), 140, 168, 196)
FEWEST_OF_EACH_KIND = 20

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Search:
    """What is tried: sizes and numbers of trees, and how much of the lines they begin at."""

    leaves: tuple[int, ...] = (8,)
    trees: tuple[int, ...] = (10, 20, 30, 40, 60, 80, 120)
    shares: tuple[float, ...] = (0.0, 0.5, 1.0)


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
        weights = self._weights(blend, calibration)
        levels = self._levels(blend.margins(self.rows.matrix(self.features)), self.rows)
        variant = Variant(self.features, blend, calibration, weights, levels)
        decided = {**described(shape, len(self.rows)), "linear_strength": STRENGTH}
        return TrainedVariant(variant, int(self.population.sum()), decided, validation)

    def _fitted(self, rows: EnrolmentRows, shape: Shape, share: float) -> Blend:
        linear = self._linear(rows)
        return self._begun_at(share, linear, rows, shape)

    def _begun_at(self, share: float, linear: Linear, rows: EnrolmentRows, shape: Shape) -> Blend:
        matrix, happened = rows.matrix(self.features), rows[HAPPENED].astype(np.float64)
        start = linear.margins(matrix, share)
        booster = fit_booster(matrix, happened, self.features, self._directions, shape, start)
        return Blend(booster, linear, share)

    def _levels(self, margins: Floats, rows: EnrolmentRows) -> dict[str, float]:
        happened = rows[HAPPENED].astype(np.float64)
        return fit_levels(rows["module"], margins, happened, rows["day"])

    @property
    def _directions(self) -> list[int]:
        return [DIRECTIONS[feature] for feature in self.features]

    def _linear(self, rows: EnrolmentRows) -> Linear:
        happened = rows[HAPPENED].astype(np.float64)
        return fit_linear(rows.matrix(self.features), happened, self._directions)

    def _tuned(self) -> tuple[Shape, float]:
        """Return of the shapes and shares that of the least loss over the splits.

        Splits are by time and by module, and count by their rows.
        """
        splits = validation_splits(self.rows, self.population)
        sums: dict[tuple[Shape, float], float] = {}
        for done, split in enumerate(splits):
            self.progress(f"Tuning {self.name}", done, len(splits))
            for tried, loss in self._losses(split):
                sums[tried] = sums.get(tried, 0.0) + loss * split.judged.sum()
        return min(sums, key=lambda tried: sums[tried])

    def _losses(self, split: Split) -> Iterator[tuple[tuple[Shape, float], float]]:
        """Give what is lost with levels and the best calibration of these rows.

        How many leave in all differs from one presentation to the next, and is left to calibrate.
        """
        sides = self.rows.where(split.learned), self.rows.where(split.judged)
        learned, judged = sides
        happened = judged[HAPPENED].astype(np.float64)
        matrices = [rows.matrix(self.features) for rows in sides]
        linear, most = self._linear(learned), max(self.search.trees)
        for leaves, share in product(self.search.leaves, self.search.shares):
            booster = self._begun_at(share, linear, learned, Shape(leaves, most)).booster
            lines = [linear.margins(matrix, share) for matrix in matrices]
            for count in self.search.trees:
                ones, others = (
                    line + booster.margins(matrix, count)
                    for line, matrix in zip(lines, matrices, strict=True)
                )
                margins = others + levels_of(self._levels(ones, learned), judged["module"])
                risks = probability(fit_affine(margins, happened)(margins))
                yield (Shape(leaves, count), share), log_loss(happened, risks)

    def _calibrated(self, shape: Shape, share: float) -> tuple[Affine, tuple[Validated, ...]]:
        """Return the map fitted on courses left out, and how the model does there."""
        splits = calibration_splits(self.rows, self.population)
        margins = np.full(len(self.rows), np.nan)
        for done, split in enumerate(splits):
            self.progress(f"Calibrating {self.name}", done, len(splits))
            learned, judged = self.rows.where(split.learned), self.rows.where(split.judged)
            blend = self._fitted(learned, shape, share)
            ones, others = (blend.margins(side.matrix(self.features)) for side in (learned, judged))
            levels = levels_of(self._levels(ones, learned), judged["module"])
            margins[split.judged] = others + levels
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
