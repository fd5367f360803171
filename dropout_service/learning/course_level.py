"""Level of a course: the recent leavers, compared with the expected number.

The features of students give the order within a course, but hardly the number of leavers. So the
risks of a course rise if more students left in the last four weeks than the model expected, and
fall if fewer did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from dropout_service.learning.calibration import probability
from dropout_service.learning.rows import LABEL, EnrolmentRows, Floats, Mask

WINDOW = 28
# Leavers added to both counts, so that few of them change little.
SHRINKAGE = 10.0
# Share of the difference that lasts. Both are stated choices (docs/scores.md).
LASTING = 0.5


@dataclass(frozen=True)
class CourseLevel:
    """Level by day: added = lasting x ln((left + shrinkage) / (expected + shrinkage)), in log-odds.

    days and shares: the share of the positives that leave within `WINDOW` days before that day.
    lowest, highest: the range of the training courses, to which the level is limited. size: the
    mean absolute level there. The field names are stored in models.
    """

    days: tuple[float, ...]
    shares: tuple[float, ...]
    lowest: float
    highest: float
    size: float

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the level from its fields as JSON has them."""
        return cls(**{**stored, **{name: tuple(stored[name]) for name in ("days", "shares")}})

    def added(self, rows: EnrolmentRows, margins: Floats) -> tuple[Floats, Mask]:
        """Return the level of each row's course, and a mask of the levels outside the range.

        margins: log-odds of the rows. It is 0 unless the rows contain those of the same course
        `WINDOW` days before: of them, those without a row on the day have left.
        """
        levels = _levels(rows, margins, self.days, self.shares)
        outside = (levels < self.lowest) | (levels > self.highest)
        return np.clip(levels, self.lowest, self.highest), outside


def fit_course_level(rows: EnrolmentRows, margins: Floats) -> CourseLevel:
    """Return the level with the shares and the range of the training rows, which have labels."""
    days, shares = [], []
    for day in np.unique(rows["day"]):
        before = rows["day"] == day - WINDOW
        positives = before & (rows[LABEL] == 1)
        if positives.any():
            days.append(float(day))
            has_left = _has_left(rows, before, rows["day"] == day)
            shares.append(float(has_left.sum() / positives.sum()))
    levels = _levels(rows, margins, tuple(days), tuple(shares))
    return CourseLevel(
        tuple(days),
        tuple(shares),
        float(min(0.0, levels.min())),
        float(max(0.0, levels.max())),
        float(np.abs(levels).mean()),
    )


def _levels(
    rows: EnrolmentRows, margins: Floats, days: tuple[float, ...], shares: tuple[float, ...]
) -> Floats:
    levels = np.zeros(len(rows))
    if not days:
        return levels
    risks = probability(margins)
    for course in np.unique(rows["course"]):
        of_course = rows["course"] == course
        for day in np.unique(rows["day"][of_course]):
            before = of_course & (rows["day"] == day - WINDOW)
            if not before.any():
                continue
            now = of_course & (rows["day"] == day)
            expected = float(np.interp(day, days, shares)) * risks[before].sum()
            left = _has_left(rows, before, now).sum()
            levels[now] = LASTING * np.log((left + SHRINKAGE) / (expected + SHRINKAGE))
    return levels


def _has_left(rows: EnrolmentRows, before: Mask, now: Mask) -> Mask:
    ids = rows["enrolment_id"]
    return ~np.isin(ids[before], ids[now])
