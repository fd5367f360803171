"""Level of a course: leavers of the last four weeks, compared with those expected."""

import numpy as np
import pytest

from dropout_service.learning.calibration import probability
from dropout_service.learning.course_level import LASTING, SHRINKAGE, fit_course_level
from dropout_service.learning.rows import EnrolmentRows, Floats

STUDENTS = 200
# Of 200 students of each course, those who leave by day 28, and later.
LEFT = {"many": (40, 20), "few": (10, 20), "usual": (25, 20)}
RISK = 0.2


def _rows() -> tuple[EnrolmentRows, Floats]:
    """Return the students of three courses on the days 0 and 28, and margins of the same risk."""
    parts = []
    for course, (early, late) in LEFT.items():
        ids = np.array([f"{course}-{number}" for number in range(STUDENTS)])
        labels = np.where(np.arange(STUDENTS) < early + late, 1.0, 0.0)
        for day, there in ((0, slice(0, None)), (28, slice(early, None))):
            count = len(ids[there])
            columns = {"enrolment_id": ids[there], "label": labels[there]}
            columns |= {"course": np.full(count, course), "day": np.full(count, day)}
            parts.append(EnrolmentRows(columns))
    rows = EnrolmentRows.joined(parts)
    return rows, np.full(len(rows), np.log(RISK / (1 - RISK)))


def test_the_level_is_the_shrunken_log_ratio_of_left_and_expected() -> None:
    rows, margins = _rows()

    level = fit_course_level(rows, margins)
    added, outside = level.added(rows, margins)

    # 75 of the 135 leavers left by day 28.
    assert level.days == (28.0,)
    assert level.shares == pytest.approx((75 / 135,))
    expected = STUDENTS * probability(margins)[0] * 75 / 135
    for course, (early, _) in LEFT.items():
        chosen = rows["course"] == course
        ratio = np.log((early + SHRINKAGE) / (expected + SHRINKAGE))
        assert added[chosen & (rows["day"] == 28)] == pytest.approx(LASTING * ratio)
        assert not added[chosen & (rows["day"] == 0)].any()
    assert not outside.any()


def test_without_the_rows_of_four_weeks_before_there_is_no_level() -> None:
    rows, margins = _rows()
    of_day = rows["day"] == 28

    added, _ = fit_course_level(rows, margins).added(rows.where(of_day), margins[of_day])

    assert not added.any()


def test_a_level_outside_the_training_range_is_limited_and_reported() -> None:
    rows, margins = _rows()
    level = fit_course_level(rows, margins)
    is_extreme = (rows["course"] != "many") | (rows["day"] == 0) | (np.arange(len(rows)) % 2 == 0)

    added, outside = level.added(rows.where(is_extreme), margins[is_extreme])

    of_course = (rows["course"] == "many")[is_extreme] & (rows["day"] == 28)[is_extreme]
    assert added[of_course] == pytest.approx(level.highest)
    assert outside[of_course].all()
    assert not outside[~of_course].any()
