"""Evaluation of a model by day, and days or modules with only one outcome."""

import numpy as np
import pytest

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
        assert day.all_modules.ahead_of.keys() == set(BASELINES)
        ahead = day.all_modules.ahead_of["four rules"]["brier_skill"]
        one, other = (
            day.all_modules.by_method[of]["brier_skill"] for of in ("model", "four rules")
        )
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


def test_seen_modules_without_dropout_have_no_figures_of_their_own() -> None:
    """Only AAA is trained on, and it has no dropout in the test rows."""
    is_seen = rows()["module"] == "AAA"
    stayed = audited_rows().with_columns(label=np.where(is_seen, 0.0, rows()["label"]))

    days = evaluate_days(trained().model, rows().where(is_seen), stayed, 20, quietly)

    assert [day.seen_modules for day in days] == [None, None]
