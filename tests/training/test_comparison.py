"""Comparison of two models on the same courses, and the rule of replacement."""

import numpy as np
import pytest

from dropout_service.learning.quality.comparison import compare
from dropout_service.learning.rows import EnrolmentRows, Floats
from tests.support.oulad_fixtures.learned import rows


@pytest.fixture
def risks() -> Floats:
    """Return risks that rank well: the worse the mark and the more missed work, the higher."""
    found = rows()
    trouble = 90 - found["score_mean"] + 10 * found["assessments_missed"]
    return np.asarray(0.1 + 0.8 * (trouble - trouble.min()) / np.ptp(trouble), dtype=np.float64)


def test_equal_models_differ_by_nothing(risks: Floats) -> None:
    found = compare(rows(), risks, risks.copy(), 20)

    assert (found.roc_auc.low, found.roc_auc.high, found.brier.value) == (0, 0, 0)
    assert (found.courses, found.enrolments) == (3, len(rows()) // 2)
    assert found.is_not_worse


def test_a_model_that_ranks_worse_is_refused_and_the_difference_is_symmetric(
    risks: Floats,
) -> None:
    noise = np.random.default_rng(1).random(len(risks))

    worse, better = (compare(rows(), *pair, 50) for pair in ((noise, risks), (risks, noise)))

    assert worse.roc_auc.high < -0.01
    assert not worse.is_not_worse
    assert better.is_not_worse
    assert worse.roc_auc.value == pytest.approx(-better.roc_auc.value)
    labels = rows().labels
    assert worse.brier.value == pytest.approx(
        ((noise - labels) ** 2).mean() - ((risks - labels) ** 2).mean()
    )
    assert worse.brier.low <= worse.brier.value <= worse.brier.high


def test_a_model_that_ranks_as_well_is_refused_if_its_risks_are_less_accurate(
    risks: Floats,
) -> None:
    found = compare(rows(), risks**4, risks, 50)

    assert found.roc_auc.value == 0
    assert found.brier.low > 0
    assert not found.is_not_worse


def test_courses_with_one_outcome_cannot_be_compared(risks: Floats) -> None:
    same = EnrolmentRows({**rows().columns, "label": np.zeros(len(risks))})

    with pytest.raises(ValueError, match="no course has both outcomes"):
        compare(same, risks, risks, 20)
