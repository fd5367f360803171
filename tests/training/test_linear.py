"""Regressions by day: known directions, and contributions that add up."""

import numpy as np
import pytest

from dropout_service.learning.calibration import probability
from dropout_service.learning.linear import LinearModel, fit_linear
from dropout_service.learning.rows import Floats

NAN = float("nan")


def course(rows: int = 600) -> tuple[Floats, Floats]:
    """Return a matrix of day, cause, sometimes unknown cause, and noise; and the labels."""
    random = np.random.default_rng(11)
    day = random.choice([0.0, 28.0], rows)
    cause, partly, noise = random.normal(3, 2, (3, rows))
    partly[random.random(rows) < 0.3] = NAN
    odds = (cause - 3) * np.where(day == 28, 1.0, 0.1) - np.where(np.isnan(partly), -1, partly - 3)
    labels = (random.random(rows) < probability(odds)).astype(np.float64)
    return np.column_stack([day, cause, partly, noise]), labels


def fitted(*directions: int) -> LinearModel:
    return fit_linear(*course(), (0, *directions), [True] * 4, strength=1.0)


def test_free_slopes_find_the_causes_of_each_day() -> None:
    early, late = fitted(0, 0, 0).regressions

    assert (early.day, late.day) == (0, 28)
    assert late.slopes[1] == pytest.approx(1.0, abs=0.25)
    assert early.slopes[1] == pytest.approx(0.1, abs=0.15)
    assert late.slopes[2] == pytest.approx(-1.0, abs=0.25)
    assert late.if_unknown[2] > 0


def test_a_slope_against_its_direction_is_zero() -> None:
    for regression in fitted(-1, 1, 0).regressions:
        assert regression.slopes[1] <= 0
        assert regression.slopes[2] >= 0
    assert fitted(-1, 1, 0).regressions[1].slopes[1:3] == (0, 0)


@pytest.mark.parametrize("value", [0.0, 0.1, np.log(0.1), 1e9 / 3])
def test_a_constant_feature_has_no_slope(value: float) -> None:
    matrix, labels = course()
    matrix[:, 1] = value

    linear = fit_linear(matrix, labels, [0] * 4, [True] * 4, strength=1.0)

    assert [regression.slopes[1] for regression in linear.regressions] == [0, 0]


def test_contributions_and_base_add_up_and_have_mean_zero_on_each_day() -> None:
    matrix, _ = course()
    linear = fitted(1, -1, 0)

    parts, base = linear.contributions(matrix)

    assert base + parts.sum(axis=1) == pytest.approx(linear.margins(matrix))
    for day in (0, 28):
        assert parts[matrix[:, 0] == day, 1:].mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_an_unknown_value_without_one_of_its_own_adds_nothing() -> None:
    matrix, labels = course()
    has_value = [True, True, False, True]
    linear = fit_linear(matrix, labels, (0, 1, -1, 0), has_value, strength=1.0)

    parts, _ = linear.contributions(matrix)

    unknown = np.isnan(matrix[:, 2])
    assert not parts[unknown, 2].any()
    assert parts[~unknown, 2].std() > 0.1
    for day in (0, 28):
        of_day = (matrix[:, 0] == day) & ~unknown
        assert parts[of_day, 2].mean() == pytest.approx(0, abs=1e-9)


def test_a_value_outside_the_training_range_counts_as_the_nearest_inside() -> None:
    matrix, _ = course()
    linear = fitted(1, -1, 0)
    of_day = matrix[:, 0] == 28
    highest = matrix[of_day, 1].max()
    rows = np.array([[28, cause, 3.0, 1.0] for cause in (highest, highest + 0.1, highest + 50)])

    margins, outside = linear.margins(rows), linear.is_outside(rows)

    assert margins == pytest.approx(margins[0])
    # A value hardly beyond the range is not reported.
    assert outside[:, 1].tolist() == [False, False, True]
    assert not outside[:, [0, 2, 3]].any()
    assert not linear.is_outside(matrix).any()


def test_days_are_interpolated_and_the_last_regression_holds_beyond() -> None:
    linear = fitted(1, -1, 0)
    matrix = np.array([[day, 5.0, NAN, 1.0] for day in (0, 7, 28, 90)])

    first, between, last, beyond = linear.margins(matrix)

    assert between == pytest.approx(0.75 * first + 0.25 * last)
    assert beyond == last


def test_a_day_without_dropout_has_a_finite_regression() -> None:
    matrix, labels = course(100)
    nobody_early = np.where(matrix[:, 0] == 0, 0.0, labels)
    linear = fit_linear(matrix, nobody_early, (0, 1, -1, 0), [True] * 4)

    assert -8 <= linear.regressions[0].base < -3
    assert np.isfinite(linear.margins(matrix)).all()
