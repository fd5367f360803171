"""Metrics of a model, compared with scikit-learn and with examples by hand."""

import numpy as np
import pytest

from dropout_service.learning.calibration import fit_platt_scaling, probability
from dropout_service.learning.metrics import (
    calibration_bins,
    calibration_error,
    log_loss,
    metrics_of,
    precision_recall_at_share,
)


@pytest.mark.parametrize("steps", [3, 1000])
def test_metrics_equal_those_of_scikit_learn_with_ties_too(steps: int) -> None:
    # Imported here: at the top, each process that collects tests would need two seconds for it.
    from sklearn import metrics as library  # noqa: PLC0415

    random = np.random.default_rng(steps)
    labels = (random.random(400) < 0.3).astype(np.float64)
    risks = np.round(random.random(400) * steps) / steps * 0.8 + 0.1 * labels

    found = metrics_of(labels, risks)

    base = found.base_rate * (1 - found.base_rate)
    assert found.roc_auc == pytest.approx(library.roc_auc_score(labels, risks))
    assert found.pr_auc == pytest.approx(library.average_precision_score(labels, risks))
    assert found.brier_skill == pytest.approx(1 - library.brier_score_loss(labels, risks) / base)
    assert log_loss(labels, np.clip(risks, 0.01, 1)) == pytest.approx(
        library.log_loss(labels, np.clip(risks, 0.01, 1))
    )


def test_precision_among_equal_risks_is_the_expected_one() -> None:
    labels = np.array([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 0] * 2)
    risks = np.array([0.9, *[0.5] * 19])

    # The first of the two places is a positive; the second is one of 19 rows with 3 positives.
    assert precision_recall_at_share(labels, risks) == pytest.approx(
        ((1 + 3 / 19) / 2, (1 + 3 / 19) / 4)
    )


def test_the_calibration_error_is_the_distance_of_risk_and_share() -> None:
    labels = np.array([0.0] * 10 + [1.0] * 10)
    risks = np.array([0.2] * 10 + [0.7] * 10)

    assert calibration_error(labels, risks) == pytest.approx((0.2 + 0.3) / 2)
    assert [size for _, _, size in calibration_bins(labels, risks)] == [2] * 10


def test_the_calibration_error_of_equal_risks_does_not_depend_on_their_order() -> None:
    labels = np.array([1.0] * 30 + [0.0] * 70)
    risks = np.full(100, 0.3)

    assert calibration_error(labels, risks) == pytest.approx(0)
    assert calibration_error(labels[::-1].copy(), risks) == pytest.approx(0)


def test_metrics_need_both_outcomes() -> None:
    with pytest.raises(ValueError, match="both outcomes"):
        metrics_of(np.zeros(5), np.linspace(0, 1, 5))


def test_platt_scaling_finds_the_true_slope_and_intercept() -> None:
    random = np.random.default_rng(1)
    margins = random.normal(size=40_000)
    labels = (random.random(40_000) < probability(0.6 * margins - 1)).astype(np.float64)

    found = fit_platt_scaling(margins, labels)

    assert (found.slope, found.intercept) == pytest.approx((0.6, -1), abs=0.05)


@pytest.mark.parametrize(("slope", "intercept"), [(0.4, 0.0), (1.0, 3.0), (0.8, 1.5)])
def test_platt_scaling_finds_them_from_margins_far_off(slope: float, intercept: float) -> None:
    """Full Newton steps would overshoot here, and end at risks of 0 and 1."""
    random = np.random.default_rng(1)
    margins = random.normal(-3, 2, size=2_000)
    labels = (random.random(2_000) < probability(slope * margins + intercept)).astype(np.float64)

    found = fit_platt_scaling(margins, labels)

    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.4)
    assert probability(found(margins)).mean() == pytest.approx(labels.mean(), abs=0.01)


def test_platt_scaling_keeps_the_order_and_the_mean_risk() -> None:
    margins = np.linspace(-2, 2, 1000)
    labels = (margins < -0.5).astype(np.float64)

    found = fit_platt_scaling(margins, labels)

    assert found.slope > 0
    assert probability(found(margins)).mean() == pytest.approx(labels.mean(), abs=0.01)
