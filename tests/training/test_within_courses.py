"""Metrics within courses, compared with scikit-learn and with examples by hand."""

import numpy as np
import pytest

from dropout_service.learning.metrics import precision_recall_at_share, roc_auc
from dropout_service.learning.rows import EnrolmentRows, Floats
from dropout_service.learning.within_courses import within_courses


def _rows(courses: list[str], labels: Floats, day: int = 28) -> EnrolmentRows:
    ids = np.array([f"s{number}" for number in range(len(labels))])
    return EnrolmentRows(
        {
            "enrolment_id": ids,
            "student_id": ids,
            "course": np.array(courses),
            "day": np.full(len(labels), day),
            "label": labels,
        }
    )


def _two_courses() -> tuple[EnrolmentRows, Floats, Floats]:
    """Return 100 students of A, 300 of B, and their risks; many risks are equal."""
    random = np.random.default_rng(3)
    labels = (random.random(400) < 0.3).astype(np.float64)
    risks = np.round(random.random(400) * 20) / 40 + 0.1 * labels
    return _rows(["A"] * 100 + ["B"] * 300, labels), labels, risks


def test_figures_are_means_over_courses_weighted_by_size() -> None:
    rows, labels, risks = _two_courses()
    # The courses have scales of their own, which does not count.
    shifted = np.where(rows["course"] == "B", 16 * risks, risks)

    found = within_courses(rows, {"model": shifted}, 50).by_method["model"]

    of_a, of_b = slice(0, 100), slice(100, 400)
    auc = 0.25 * roc_auc(labels[of_a], risks[of_a]) + 0.75 * roc_auc(labels[of_b], risks[of_b])
    (a, _), (b, _) = (precision_recall_at_share(labels[of], risks[of]) for of in (of_a, of_b))
    assert found["roc_auc"].value == pytest.approx(auc)
    assert found["precision"].value == pytest.approx(0.25 * a + 0.75 * b)
    assert found["roc_auc"].low < auc < found["roc_auc"].high


def test_differences_have_narrower_intervals_than_the_figures() -> None:
    rows, labels, risks = _two_courses()
    methods = {"model": risks + 0.02 * labels, "equal": risks, "chance": np.full(400, 0.2)}

    found = within_courses(rows, methods, 200)

    ahead, figure = found.ahead_of["equal"]["roc_auc"], found.by_method["model"]["roc_auc"]
    assert found.courses == 2
    assert 0 <= ahead.low <= ahead.value <= ahead.high
    assert ahead.high - ahead.low < (figure.high - figure.low) / 2
    assert found.by_method["chance"]["roc_auc"].value == pytest.approx(0.5)
    assert found.by_method["chance"]["precision"].value == pytest.approx(
        0.25 * labels[:100].mean() + 0.75 * labels[100:].mean()
    )


def test_days_and_courses_with_one_outcome_are_left_out() -> None:
    rows, labels, risks = _two_courses()
    is_of_a = rows["course"] == "A"
    nobody_left = rows.with_columns(day=np.full(400, 56), label=np.where(is_of_a, labels, 0.0))
    both_days = EnrolmentRows.joined([rows, nobody_left])

    twice = within_courses(both_days, {"model": np.tile(risks, 2)}, 20)
    alone = within_courses(rows.where(is_of_a), {"model": risks[is_of_a]}, 20)

    # A counts on two days and B on one.
    expected = 200 * roc_auc(labels[:100], risks[:100]) + 300 * roc_auc(labels[100:], risks[100:])
    assert twice.by_method["model"]["roc_auc"].value == pytest.approx(expected / 500)
    assert alone.courses == 1
    with pytest.raises(ValueError, match="both outcomes"):
        within_courses(nobody_left.where(~is_of_a), {"model": risks[~is_of_a]}, 20)
