"""Baselines that a model is compared with."""

import numpy as np
import pytest

from dropout_service.learning.baselines import logistic_risk
from dropout_service.learning.rows import INPUTS, EnrolmentRows

ROWS = 400


def rows() -> EnrolmentRows:
    """Return enrolments of one day in two courses; low marks and the course cause dropout."""
    random = np.random.default_rng(5)
    marks = random.normal(70, 10, ROWS)
    course = np.arange(ROWS) % 2
    chance = 1 / (1 + np.exp((marks - 60) / 5)) * 0.5 + 0.3 * course
    return EnrolmentRows(
        {
            **{name: np.full(ROWS, np.nan) for name in INPUTS},
            "day": np.full(ROWS, 28.0),
            "score_mean": marks,
            "assessments_due": 2.0 + course,
            "enrolment_id": np.array([f"e{n}" for n in range(ROWS)]),
            "student_id": np.array([f"s{n}" for n in range(ROWS)]),
            "course": np.where(course, "BBB", "AAA"),
            "module": np.where(course, "BBB", "AAA"),
            "starts_on": np.full(ROWS, 100),
            "has_activity": np.zeros(ROWS, dtype=bool),
            "label": (random.random(ROWS) < chance).astype(np.float64),
        }
    )


def test_the_regression_uses_the_students_and_not_what_only_identifies_the_course() -> None:
    training = rows()
    risks = logistic_risk(training, training)

    better = training.with_columns(score_mean=np.full(ROWS, 90.0))
    more_due = training.with_columns(assessments_due=np.full(ROWS, 9.0))
    assert logistic_risk(training, better).max() < np.median(risks)
    assert (logistic_risk(training, more_due) == risks).all()


def test_activity_without_an_example_in_training_is_left_out() -> None:
    training = rows()
    active = training.with_columns(
        has_activity=np.ones(ROWS, dtype=bool), active_days_28=np.zeros(ROWS)
    )

    assert (logistic_risk(training, active) == logistic_risk(training, training)).all()


def test_without_a_known_feature_the_risk_is_the_share_of_leavers() -> None:
    training = rows().with_columns(score_mean=np.full(ROWS, np.nan))

    assert logistic_risk(training, training) == pytest.approx(training.labels.mean())
