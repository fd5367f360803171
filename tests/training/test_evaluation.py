"""Evaluation of a model by day, days with only one outcome, and gaps between groups."""

import numpy as np
import pytest

from dropout_service.learning.auditing import gaps
from dropout_service.learning.evaluation import BASELINES, evaluate_days
from dropout_service.learning.rows import EnrolmentRows
from tests.support.oulad_fixtures.learned import quietly, rows, trained

AUDITED = ("gender", "has_disability", "deprivation_band")


def audited_rows() -> EnrolmentRows:
    known = rows()
    return known.with_columns(**{name: np.full(len(known), "") for name in AUDITED})


def without_dropout(of: EnrolmentRows, day: float) -> EnrolmentRows:
    return of.with_columns(label=np.where(of["day"] == day, 0.0, of["label"]))


def test_each_day_is_compared_with_all_baselines() -> None:
    days = evaluate_days(trained().model, rows(), audited_rows(), 20, quietly)

    assert [day.day for day in days] == [0, 28]
    for day in days:
        assert day.pooled.ahead_of.keys() == day.within.ahead_of.keys() == set(BASELINES)
        ahead = day.pooled.ahead_of["four rules"]["brier_skill"]
        one, other = (day.pooled.by_method[of]["brier_skill"] for of in ("model", "four rules"))
        assert ahead.value == pytest.approx(one.value - other.value)
        assert ahead.low <= ahead.value <= ahead.high


@pytest.mark.parametrize("side", ["training", "test"])
def test_a_day_without_dropout_is_left_out(side: str) -> None:
    training, test = rows(), audited_rows()
    if side == "training":
        training = without_dropout(training, 28)
    else:
        test = without_dropout(test, 28)

    days = evaluate_days(trained().model, training, test, 20, quietly)

    assert [day.day for day in days] == [0]


def test_gaps_are_those_of_the_tenth_of_each_course_with_intervals() -> None:
    """In each course the women with a risk are seen, and the men with the same risk are not."""
    test = audited_rows().where(rows()["day"] == 28)
    is_woman = np.arange(len(test)) % 2 == 0
    test = test.with_columns(gender=np.where(is_woman, "F", "M"))
    is_bbb = test["course"] == "BBB-2013B"
    risks = np.where(is_woman, 0.2, 0.1) * test.labels + np.where(is_bbb, 0.5, 0.0)

    gender, disability, _ = gaps(test, risks, 100)

    assert gender.missed["M"] == 1
    assert (gender.missed["F"] or 0) < 0.9
    assert gender.gap is not None
    assert 0 < gender.gap.low <= gender.gap.value <= gender.gap.high
    assert disability.gap is None
