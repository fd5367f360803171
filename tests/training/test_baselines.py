"""Baselines that a model is compared with."""

import numpy as np
import pytest

from dropout_service.learning.baselines import logistic_risk
from dropout_service.learning.rows import INPUTS, EnrolmentRows

MODULES = np.array(["AAA", "BBB", "CCC", "DDD"])
OF_EACH = 200


def rows(leaving: list[float], rates: list[float]) -> EnrolmentRows:
    """Return enrolments of one day and of one course per module.

    leaving: the feature of each course. rates: the dropout rate of each course.
    """
    random = np.random.default_rng(5)
    place = np.repeat(np.arange(len(MODULES)), OF_EACH)
    count = len(place)
    return EnrolmentRows(
        {
            **{name: np.full(count, np.nan) for name in INPUTS},
            "day": np.full(count, 28.0),
            "score_mean": random.normal(70, 10, count),
            "leaving_log_odds": np.array(leaving)[place],
            "enrolment_id": np.array([f"e{n}" for n in range(count)]),
            "student_id": np.array([f"s{n}" for n in range(count)]),
            "course": MODULES[place],
            "module": MODULES[place],
            "starts_on": np.full(count, 100),
            "has_activity": np.zeros(count, dtype=bool),
            "label": (random.random(count) < np.array(rates)[place]).astype(np.float64),
        }
    )


@pytest.mark.parametrize(
    ("rates", "is_used"),
    [([0.05, 0.15, 0.3, 0.5], True), ([0.3, 0.05, 0.5, 0.1], False)],
    ids=["predictive", "identifies the course"],
)
def test_the_regression_uses_only_predictive_course_level_features(
    *, rates: list[float], is_used: bool
) -> None:
    training = rows([-4.0, -3.0, -2.0, -1.0], rates)
    changed = training.with_columns(leaving_log_odds=np.full(len(training), -1.0))

    risks, after = logistic_risk(training, training), logistic_risk(training, changed)

    assert np.allclose(risks, after) != is_used


def test_the_regression_with_modules_has_an_intercept_of_each() -> None:
    training = rows([np.nan] * len(MODULES), [0.05, 0.15, 0.3, 0.5])
    unseen = training.with_columns(module=np.full(len(training), "ZZZ"))

    risks = logistic_risk(training, training, has_modules=True)

    means = [risks[training["module"] == module].mean() for module in MODULES]
    assert means == sorted(means)
    spread = np.ptp(means)
    assert spread > 0.05
    for others in (
        logistic_risk(training, unseen, has_modules=True),
        logistic_risk(training, training),
    ):
        assert (
            np.ptp([others[training["module"] == module].mean() for module in MODULES]) < spread / 4
        )
