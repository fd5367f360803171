"""The baselines that a model is judged beside."""

import numpy as np
import pytest

from dropout_service.learning.baselines import logistic_risk
from dropout_service.learning.features import KNOWN
from dropout_service.learning.rows import EnrolmentRows

MODULES = np.array(["AAA", "BBB", "CCC", "DDD"])
OF_EACH = 200


def rows(leaving: list[float], rates: list[float]) -> EnrolmentRows:
    """Return enrolments of one day, of a course in each module, with how many leave it."""
    random = np.random.default_rng(5)
    place = np.repeat(np.arange(len(MODULES)), OF_EACH)
    count = len(place)
    return EnrolmentRows(
        {
            **{name: np.full(count, np.nan) for name in KNOWN},
            "day": np.full(count, 28.0),
            "score_mean": random.normal(70, 10, count),
            "leaving_log_odds": np.array(leaving)[place],
            "enrolment_id": np.array([f"e{n}" for n in range(count)]),
            "student_id": np.array([f"s{n}" for n in range(count)]),
            "course": MODULES[place],
            "module": MODULES[place],
            "starts_on": np.full(count, 100),
            "has_activity": np.zeros(count, dtype=bool),
            "happened": (random.random(count) < np.array(rates)[place]).astype(np.float64),
        }
    )


@pytest.mark.parametrize(
    ("rates", "is_seen"),
    [([0.05, 0.15, 0.3, 0.5], True), ([0.3, 0.05, 0.5, 0.1], False)],
    ids=["where it tells", "not learned by heart"],
)
def test_the_regression_sees_what_is_of_the_course(*, rates: list[float], is_seen: bool) -> None:
    learned = rows([-4.0, -3.0, -2.0, -1.0], rates)
    others = learned.with_columns(leaving_log_odds=np.full(len(learned), -1.0))

    risks, as_if = logistic_risk(learned, learned), logistic_risk(learned, others)

    assert np.allclose(risks, as_if) != is_seen


def test_the_regression_with_modules_learns_a_level_of_each() -> None:
    learned = rows([np.nan] * len(MODULES), [0.05, 0.15, 0.3, 0.5])
    unseen = learned.with_columns(module=np.full(len(learned), "ZZZ"))

    risks = logistic_risk(learned, learned, has_modules=True)

    means = [risks[learned["module"] == module].mean() for module in MODULES]
    assert means == sorted(means)
    spread = np.ptp(means)
    assert spread > 0.05
    for others in (
        logistic_risk(learned, unseen, has_modules=True),
        logistic_risk(learned, learned),
    ):
        assert (
            np.ptp([others[learned["module"] == module].mean() for module in MODULES]) < spread / 4
        )
