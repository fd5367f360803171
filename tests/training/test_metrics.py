"""The figures that a model is judged by, beside a library's and by hand."""

import numpy as np
import pytest

from dropout_service.learning.calibration import fit_affine, probability
from dropout_service.learning.metrics import (
    at_capacity,
    calibration_bins,
    calibration_error,
    log_loss,
    metrics_of,
)


@pytest.mark.parametrize("steps", [3, 1000])
def test_figures_are_those_of_the_library_with_ties_too(steps: int) -> None:
    # Imported here, for every process that collects tests would do it, for two seconds each.
    from sklearn import metrics as library  # noqa: PLC0415

    random = np.random.default_rng(steps)
    happened = (random.random(400) < 0.3).astype(np.float64)
    risks = np.round(random.random(400) * steps) / steps * 0.8 + 0.1 * happened

    found = metrics_of(happened, risks)

    base = found.base_rate * (1 - found.base_rate)
    assert found.roc_auc == pytest.approx(library.roc_auc_score(happened, risks))
    assert found.pr_auc == pytest.approx(library.average_precision_score(happened, risks))
    assert found.brier_skill == pytest.approx(1 - library.brier_score_loss(happened, risks) / base)
    assert log_loss(happened, np.clip(risks, 0.01, 1)) == pytest.approx(
        library.log_loss(happened, np.clip(risks, 0.01, 1))
    )


def test_staff_who_see_a_tenth_draw_lots_among_equals() -> None:
    happened = np.array([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 0] * 2)
    risks = np.array([0.9, *[0.5] * 19])

    # One is seen for sure and happened; the other is one of 19, of whom 3 happened.
    assert at_capacity(happened, risks) == pytest.approx(((1 + 3 / 19) / 2, (1 + 3 / 19) / 4))


def test_calibration_is_the_distance_between_risk_and_share() -> None:
    happened = np.array([0.0] * 10 + [1.0] * 10)
    risks = np.array([0.2] * 10 + [0.7] * 10)

    assert calibration_error(happened, risks) == pytest.approx((0.2 + 0.3) / 2)
    assert [size for _, _, size in calibration_bins(happened, risks)] == [2] * 10


def test_equal_risks_are_calibrated_alike_in_any_order() -> None:
    happened = np.array([1.0] * 30 + [0.0] * 70)
    risks = np.full(100, 0.3)

    assert calibration_error(happened, risks) == pytest.approx(0)
    assert calibration_error(happened[::-1].copy(), risks) == pytest.approx(0)


def test_without_both_outcomes_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="both outcomes"):
        metrics_of(np.zeros(5), np.linspace(0, 1, 5))


def test_calibrating_finds_the_map_that_was_used() -> None:
    random = np.random.default_rng(1)
    margins = random.normal(size=40_000)
    happened = (random.random(40_000) < probability(0.6 * margins - 1)).astype(np.float64)

    found = fit_affine(margins, happened)

    assert (found.slope, found.intercept) == pytest.approx((0.6, -1), abs=0.05)


@pytest.mark.parametrize(("slope", "intercept"), [(0.4, 0.0), (1.0, 3.0), (0.8, 1.5)])
def test_calibrating_finds_the_map_of_margins_that_are_far_off(
    slope: float, intercept: float
) -> None:
    """Steps of full length would overshoot here, and end at risks of 0 and 1."""
    random = np.random.default_rng(1)
    margins = random.normal(-3, 2, size=2_000)
    happened = (random.random(2_000) < probability(slope * margins + intercept)).astype(np.float64)

    found = fit_affine(margins, happened)

    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.4)
    assert probability(found(margins)).mean() == pytest.approx(happened.mean(), abs=0.01)


def test_calibrating_never_turns_the_order_around() -> None:
    """And keeps the mean risk that of what happened."""
    margins = np.linspace(-2, 2, 1000)
    happened = (margins < -0.5).astype(np.float64)

    found = fit_affine(margins, happened)

    assert found.slope > 0
    assert probability(found(margins)).mean() == pytest.approx(happened.mean(), abs=0.01)
