"""Lines that keep to known directions: which way they push, and what they add up to."""

import numpy as np
import pytest

from dropout_service.learning.calibration import probability
from dropout_service.learning.linear import Linear, fit_linear
from dropout_service.learning.rows import Floats

NAN = float("nan")


def course(rows: int = 600) -> tuple[Floats, Floats]:
    """Return day, a cause, a cause that is sometimes unknown, and noise; and what happened."""
    random = np.random.default_rng(11)
    day = random.choice([0.0, 28.0], rows)
    cause, partly, noise = random.normal(3, 2, (3, rows))
    partly[random.random(rows) < 0.3] = NAN
    odds = (cause - 3) * np.where(day == 28, 1.0, 0.1) - np.where(np.isnan(partly), -1, partly - 3)
    happened = (random.random(rows) < probability(odds)).astype(np.float64)
    return np.column_stack([day, cause, partly, noise]), happened


def fitted(*directions: int) -> Linear:
    return fit_linear(*course(), (0, *directions), strength=1.0)


def test_free_slopes_find_the_causes_of_each_day() -> None:
    early, late = fitted(0, 0, 0).lines

    assert (early.day, late.day) == (0, 28)
    assert late.slopes[1] == pytest.approx(1.0, abs=0.25)
    assert early.slopes[1] == pytest.approx(0.1, abs=0.15)
    assert late.slopes[2] == pytest.approx(-1.0, abs=0.25)
    assert late.if_unknown[2] > 0


def test_a_slope_against_its_direction_is_nothing() -> None:
    for line in fitted(-1, 1, 0).lines:
        assert line.slopes[1] <= 0
        assert line.slopes[2] >= 0
    assert fitted(-1, 1, 0).lines[1].slopes[1:3] == (0, 0)


@pytest.mark.parametrize("value", [0.0, 0.1, np.log(0.1), 1e9 / 3])
def test_what_is_the_same_in_every_row_has_no_slope(value: float) -> None:
    matrix, happened = course()
    matrix[:, 1] = value

    linear = fit_linear(matrix, happened, (0, 0, 0, 0), strength=1.0)

    assert [line.slopes[1] for line in linear.lines] == [0, 0]


def test_additions_and_base_are_the_log_odds_and_even_out_on_each_day() -> None:
    matrix, _ = course()
    linear = fitted(1, -1, 0)

    parts, base = linear.contributions(matrix)

    assert base + parts.sum(axis=1) == pytest.approx(linear.margins(matrix))
    for day in (0, 28):
        assert parts[matrix[:, 0] == day, 1:].mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_a_share_holds_back_what_features_add_but_not_the_day() -> None:
    matrix, _ = course()
    linear = fitted(1, -1, 0)
    parts, base = linear.contributions(matrix)

    halved, same_base = linear.contributions(matrix, 0.5)

    assert same_base == base
    assert (halved[:, 0] == parts[:, 0]).all()
    assert halved[:, 1:] == pytest.approx(parts[:, 1:] / 2)
    assert linear.margins(matrix, 0.0) == pytest.approx(base + parts[:, 0])


def test_a_day_between_has_the_mean_by_nearness_and_one_beyond_the_nearest() -> None:
    linear = fitted(1, -1, 0)
    matrix = np.array([[day, 5.0, NAN, 1.0] for day in (0, 7, 28, 90)])

    first, between, last, beyond = linear.margins(matrix)

    assert between == pytest.approx(0.75 * first + 0.25 * last)
    assert beyond == last


def test_a_day_on_which_nobody_left_has_a_finite_line() -> None:
    matrix, happened = course(100)
    linear = fit_linear(matrix, np.where(matrix[:, 0] == 0, 0.0, happened), (0, 1, -1, 0))

    assert -8 <= linear.lines[0].base < -3
    assert np.isfinite(linear.margins(matrix)).all()
