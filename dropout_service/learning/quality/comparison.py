"""Comparison of a candidate with another model on courses that neither was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.learning.metrics import Interval, interval_of
from dropout_service.learning.rows import EnrolmentRows, Floats
from dropout_service.learning.within_courses import within_courses

ROC_AUC_MARGIN = 0.01
BRIER_MARGIN = 0.002
_SEED = 20_141


@dataclass(frozen=True)
class Comparison:
    """Figures of a candidate less those of the other model, with intervals.

    roc_auc: mean ROC-AUC within courses. brier: mean squared error, 0 is perfect. Both have the
    middle 95 % of resamples of courses and of their students. courses: those with both outcomes.
    """

    roc_auc: Interval
    brier: Interval
    courses: int
    enrolments: int

    @property
    def is_not_worse(self) -> bool:
        """True if both intervals exclude a loss: 0.01 in ROC-AUC, 0.002 in squared error."""
        return self.roc_auc.low > -ROC_AUC_MARGIN and self.brier.high < BRIER_MARGIN


def compare(rows: EnrolmentRows, candidate: Floats, other: Floats, resamples: int) -> Comparison:
    """Return the comparison of two models' risks of the rows.

    resamples: number of resamples for the intervals. Both models have the same ones.

    Raises:
        ValueError: no course has both outcomes on any day.

    """
    within = within_courses(rows, {"candidate": candidate, "other": other}, resamples)
    labels = rows.labels
    errors = (candidate - labels) ** 2 - (other - labels) ** 2
    return Comparison(
        roc_auc=within.ahead_of["other"]["roc_auc"],
        brier=interval_of(float(errors.mean()), _resampled_means(rows, errors, resamples)),
        courses=within.courses,
        enrolments=len(np.unique(rows["enrolment_id"])),
    )


def _resampled_means(rows: EnrolmentRows, values: Floats, resamples: int) -> list[float]:
    """Return the means of resamples of courses and of their enrolments."""
    random = np.random.default_rng(_SEED)
    courses = [_of_course(rows, values, course) for course in np.unique(rows["course"])]
    return [_mean_of_resample(courses, random) for _ in range(resamples)]


def _of_course(rows: EnrolmentRows, values: Floats, course: str) -> tuple[Floats, Floats]:
    """Return the sum of the values of each enrolment of the course, and the number of its rows."""
    chosen = rows["course"] == course
    numbers = np.unique(rows["enrolment_id"][chosen], return_inverse=True)[1]
    sums = np.bincount(numbers, weights=values[chosen]).astype(np.float64)
    return sums, np.bincount(numbers).astype(np.float64)


def _mean_of_resample(
    courses: Sequence[tuple[Floats, Floats]], random: np.random.Generator
) -> float:
    total = count = 0.0
    for place in random.integers(0, len(courses), len(courses)):
        sums, counts = courses[place]
        drawn = random.integers(0, len(sums), len(sums))
        total += float(sums[drawn].sum())
        count += float(counts[drawn].sum())
    return total / count
