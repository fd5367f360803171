"""Module intercepts, which are nearer to 0 for modules with fewer enrolments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_service.learning.module_intercepts import fit_module_intercepts, intercepts_of

MANY, FEW = 20_000, 20


def intercept(rate: float, count: int, *, margin: float = 0.0, days: int = 1) -> float:
    """Return the intercept of a module with this dropout rate and this margin on each row."""
    labels = np.tile(np.arange(count) < rate * count, days).astype(np.float64)
    rows = count * days
    modules, of_days = np.full(rows, "AAA"), np.repeat(np.arange(days), count)
    return fit_module_intercepts(modules, np.full(rows, margin), labels, of_days)["AAA"]


def test_an_intercept_is_the_difference_from_the_margin() -> None:
    log_odds = np.log(0.3 / 0.7)

    assert intercept(0.3, MANY) == pytest.approx(log_odds, abs=0.003)
    assert intercept(0.3, MANY, margin=log_odds) == pytest.approx(0, abs=1e-9)


def test_an_intercept_of_few_enrolments_is_nearer_to_zero() -> None:
    assert intercept(0.3, MANY) < intercept(0.3, FEW) < -0.1


def test_an_enrolment_with_several_days_counts_once() -> None:
    assert intercept(0.3, FEW, days=5) == pytest.approx(intercept(0.3, FEW))


@settings(max_examples=50)
@given(st.floats(0, 1), st.integers(1, 300), st.floats(-8, 8))
def test_an_intercept_is_bounded_by_the_number_of_enrolments(
    rate: float, count: int, margin: float
) -> None:
    assert abs(intercept(rate, count, margin=margin)) <= 0.3**2 * count + 1e-9


def test_an_unseen_module_has_no_intercept() -> None:
    modules = np.repeat(np.array(["AAA", "BBB"]), 100)
    labels = np.concatenate([np.arange(100) < 70, np.arange(100) < 30]).astype(np.float64)

    fitted = fit_module_intercepts(modules, np.zeros(200), labels, np.zeros(200))

    of_rows = intercepts_of(fitted, np.array(["BBB", "ZZZ", "AAA"]))
    assert of_rows == pytest.approx([-fitted["AAA"], 0.0, fitted["AAA"]], abs=1e-9)
    assert fitted["AAA"] > 0.3
