"""What is left to say of a module: pulled to 0, the more the fewer enrolments tell of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_service.learning.module_intercepts import fit_levels, levels_of

MANY, FEW = 20_000, 20


def level(rate: float, count: int, *, margin: float = 0.0, days: int = 1) -> float:
    """Return the level of a module of which so many leave, where signs say `margin`."""
    happened = np.tile(np.arange(count) < rate * count, days).astype(np.float64)
    rows = count * days
    modules, of_days = np.full(rows, "AAA"), np.repeat(np.arange(days), count)
    return fit_levels(modules, np.full(rows, margin), happened, of_days)["AAA"]


def test_a_level_is_what_the_signs_do_not_tell() -> None:
    told = np.log(0.3 / 0.7)

    assert level(0.3, MANY) == pytest.approx(told, abs=0.003)
    assert level(0.3, MANY, margin=told) == pytest.approx(0, abs=1e-9)


def test_few_enrolments_say_little_of_their_module() -> None:
    assert level(0.3, MANY) < level(0.3, FEW) < -0.1


def test_an_enrolment_counts_once_however_many_its_days() -> None:
    assert level(0.3, FEW, days=5) == pytest.approx(level(0.3, FEW))


@settings(max_examples=50)
@given(st.floats(0, 1), st.integers(1, 300), st.floats(-8, 8))
def test_a_level_is_bounded_by_how_many_tell_of_it(rate: float, count: int, margin: float) -> None:
    assert abs(level(rate, count, margin=margin)) <= 0.3**2 * count + 1e-9


def test_each_module_has_its_own_and_one_never_seen_none() -> None:
    modules = np.repeat(np.array(["AAA", "BBB"]), 100)
    happened = np.concatenate([np.arange(100) < 70, np.arange(100) < 30]).astype(np.float64)

    levels = fit_levels(modules, np.zeros(200), happened, np.zeros(200))

    of_rows = levels_of(levels, np.array(["BBB", "ZZZ", "AAA"]))
    assert of_rows == pytest.approx([-levels["AAA"], 0.0, levels["AAA"]], abs=1e-9)
    assert levels["AAA"] > 0.3
