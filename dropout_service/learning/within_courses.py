"""Metrics within courses: ranking and precision among the students of one course on one day.

Staff see one course at a time, so the order of students of different courses does not matter to
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dropout_service.domain.enrolments.model_assessment import REVIEWED_SHARE
from dropout_service.learning.metrics import Interval, interval_of
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask

FIGURES = ("roc_auc", "precision")
_SEED = 20_131

# Of one course: by method, the figures of all rows and then of each resample; one column a figure.
_Drawn = Mapping[str, Floats]


@dataclass(frozen=True)
class WithinCourses:
    """Figures within courses by method, each the mean over courses and days, weighted by size.

    by_method and ahead_of have `roc_auc` (0.5 is chance) and `precision` (0 to 1, of the tenth of a
    course with the highest risk). ahead_of: the first method's figures less those of the others.
    courses: those with both outcomes on one of the days.
    """

    courses: int
    by_method: Mapping[str, Mapping[str, Interval]]
    ahead_of: Mapping[str, Mapping[str, Interval]]


def within_courses(
    rows: EnrolmentRows, risks: Mapping[str, Floats], resamples: int
) -> WithinCourses:
    """Return the figures of each method, with intervals by resampling courses and students.

    rows: with labels, one per student, course and day. risks: by method, in the order of the rows.
    Courses are drawn with replacement, and in each its students; a single course is always drawn.
    All methods have the same resamples. A day on which a course has one outcome only is left out.

    Raises:
        ValueError: no course has both outcomes on any day.

    """
    random = np.random.default_rng(_SEED)
    parts = [
        _drawn(rows.where(chosen), {name: risk[chosen] for name, risk in risks.items()}, times)
        for chosen, times in _students_drawn(rows, resamples, random)
    ]
    sizes, drawn = [size for size, _ in parts if size], [part for size, part in parts if size]
    if not drawn:
        raise ValueError("no course has both outcomes on any day")
    means = _means(np.array(sizes), drawn, resamples, random)
    first, *others = means
    return WithinCourses(
        courses=len(drawn),
        by_method={name: _intervals(values) for name, values in means.items()},
        ahead_of={name: _intervals(means[first] - means[name]) for name in others},
    )


def times_drawn(rows: EnrolmentRows, resamples: int) -> Floats:
    """Return how often each row is in each resample of courses and their students.

    The first line has each row once.
    """
    random = np.random.default_rng(_SEED)
    drawn = _students_drawn(rows, resamples, random)
    courses = _drawn_with_replacement(len(drawn), resamples, random)
    times = np.empty((resamples + 1, len(rows)))
    for place, (chosen, students) in enumerate(drawn):
        times[:, chosen] = students * courses[:, [place]]
    return times


def _students_drawn(
    rows: EnrolmentRows, resamples: int, random: np.random.Generator
) -> list[tuple[Mask, Floats]]:
    """Return for each course a mask of its rows, and how often each of them is in each resample.

    The first line of the latter has each row once.
    """
    found = []
    for course in np.unique(rows["course"]):
        chosen = rows["course"] == course
        students, number = np.unique(rows["student_id"][chosen], return_inverse=True)
        found.append((chosen, _drawn_with_replacement(len(students), resamples, random)[:, number]))
    return found


def _drawn_with_replacement(count: int, resamples: int, random: np.random.Generator) -> Floats:
    """Return how often each of `count` is drawn; a line per resample, after a line of ones."""
    return np.vstack(
        [np.ones(count), random.multinomial(count, np.full(count, 1 / count), resamples)]
    )


def _drawn(
    rows: EnrolmentRows, risks: Mapping[str, Floats], times: Floats
) -> tuple[int, dict[str, Floats]]:
    """Return the number of rows of a course on days with both outcomes, and the figures."""
    size, weights = 0, np.zeros((len(times), 1))
    sums = {name: np.zeros((len(times), len(FIGURES))) for name in risks}
    for day in np.unique(rows["day"]):
        chosen = rows["day"] == day
        labels, of_day = rows.labels[chosen], times[:, chosen]
        if not 0 < labels.sum() < len(labels):
            continue
        size += len(labels)
        positives = of_day @ labels
        is_mixed = (positives > 0) & (positives < of_day.sum(axis=1))
        weight = np.where(is_mixed, len(labels), 0.0)[:, None]
        weights = weights + weight
        for name, risk in risks.items():
            figures = _figures(labels, risk[chosen], of_day)
            sums[name] = sums[name] + weight * np.where(is_mixed[:, None], figures, 0.0)
    # NaN for a resample that drew students of one outcome only.
    shares = np.where(weights > 0, weights, np.nan)
    return size, {name: total / shares for name, total in sums.items()}


def _figures(labels: Floats, risks: Floats, times: Floats) -> Floats:
    """Return ROC-AUC and precision of weighted rows; one line for each line of `times`.

    Of equal risks, pairs count half; of those that do not all fit into the reviewed share, the
    expected number of positives counts.
    """
    order = np.argsort(-risks, kind="stable")
    starts = np.flatnonzero(np.diff(risks[order], prepend=np.nan) != 0)
    rows = np.add.reduceat(times[:, order], starts, axis=1)
    hits = np.add.reduceat(times[:, order] * labels[order], starts, axis=1)
    misses = rows - hits
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    right = (hits * (below + misses / 2)).sum(axis=1)
    return np.column_stack([right / np.maximum(pairs, 1), _precision(rows, hits)])


def _precision(rows: Floats, hits: Floats) -> Floats:
    totals = rows.sum(axis=1)
    places = np.maximum(1, np.round(REVIEWED_SHARE * totals))
    before = np.cumsum(rows, axis=1) - rows
    taken = np.clip(places[:, None] - before, 0, rows)
    expected = hits * np.divide(taken, rows, out=np.zeros_like(taken), where=rows > 0)
    return np.asarray(expected.sum(axis=1) / places, dtype=np.float64)


def _means(
    sizes: Floats, drawn: list[dict[str, Floats]], resamples: int, random: np.random.Generator
) -> dict[str, Floats]:
    """Return by method the means over the courses: of all rows, and then of each resample."""
    count = len(drawn)
    times = _drawn_with_replacement(count, resamples, random)
    is_known = ~np.isnan(np.stack([next(iter(part.values()))[:, 0] for part in drawn], axis=1))
    weights = times * sizes * is_known
    totals = weights.sum(axis=1, keepdims=True)
    shares = weights / np.where(totals > 0, totals, np.nan)
    return {
        name: np.einsum("rc,crf->rf", shares, np.stack([np.nan_to_num(p[name]) for p in drawn]))
        for name in drawn[0]
    }


def _intervals(values: Floats) -> dict[str, Interval]:
    return {
        name: interval_of(float(column[0]), column[1:])
        for name, column in zip(FIGURES, values.T, strict=True)
    }
