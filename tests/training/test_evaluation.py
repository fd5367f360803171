"""How an evaluation deals with days on which there is nothing to tell apart."""

import numpy as np
import pytest

from dropout_service.learning.evaluation import BASELINES, evaluate_days
from dropout_service.learning.rows import EnrolmentRows
from tests.support.oulad_fixtures.learned import quietly, rows, trained

AUDITED = ("gender", "has_disability", "deprivation_band")


def judged() -> EnrolmentRows:
    known = rows()
    return known.with_columns(**{name: np.full(len(known), "") for name in AUDITED})


def nobody_left(of: EnrolmentRows, day: float) -> EnrolmentRows:
    return of.with_columns(happened=np.where(of["day"] == day, 0.0, of["happened"]))


def test_each_day_is_judged_beside_all_baselines() -> None:
    days = evaluate_days(trained().model, rows(), judged(), 20, quietly)

    assert [day.day for day in days] == [0, 28]
    for day in days:
        assert day.everybody.ahead_of.keys() == set(BASELINES)
        ahead = day.everybody.ahead_of["four rules"]["brier_skill"]
        one, other = (day.everybody.by_judge[of]["brier_skill"] for of in ("model", "four rules"))
        assert ahead.value == pytest.approx(one.value - other.value)
        assert ahead.low <= ahead.value <= ahead.high


@pytest.mark.parametrize("side", ["learned", "judged"])
def test_a_day_after_which_nobody_left_is_left_out(side: str) -> None:
    learned, others = rows(), judged()
    if side == "learned":
        learned = nobody_left(learned, 28)
    else:
        others = nobody_left(others, 28)

    days = evaluate_days(trained().model, learned, others, 20, quietly)

    assert [day.day for day in days] == [0]


def test_modules_of_which_nobody_left_are_not_judged_apart() -> None:
    """Training saw AAA alone, and all of it stayed."""
    is_seen = rows()["module"] == "AAA"
    stayed = judged().with_columns(happened=np.where(is_seen, 0.0, rows()["happened"]))

    days = evaluate_days(trained().model, rows().where(is_seen), stayed, 20, quietly)

    assert [day.seen for day in days] == [None, None]
