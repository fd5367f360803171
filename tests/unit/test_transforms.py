"""Transforms of time series: laws on made-up series, and the ends of a series."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_service.domain.transforms import decompose, moving_average, rate, season_of

numbers = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("seconds", "season"), [(60, 1440), (900, 96), (3600, 24), (21600, 4), (86400, 7)]
)
def test_a_season_is_a_day_or_a_week(seconds: int, season: int) -> None:
    assert season_of(seconds) == season


def test_a_rate_is_of_a_second() -> None:
    assert rate([120, None, 0], 60) == [2, None, 0]


def test_an_average_needs_its_whole_window() -> None:
    assert moving_average([1, 2, 3, None, 5, 6], 2) == [None, 1.5, 2.5, None, None, 5.5]
    assert moving_average([], 3) == []


@pytest.mark.parametrize("season", [4, 7])
def test_a_trend_and_a_season_are_found_again(season: int) -> None:
    shape = [math.sin(2 * math.pi * place / season) for place in range(season)]
    values = [10 + 0.5 * place + shape[place % season] for place in range(5 * season)]

    found = decompose(values, season)

    assert found is not None
    for place, part in enumerate(found):
        assert part.seasonal == pytest.approx(shape[place % season], abs=1e-9)
        if part.trend is not None:
            assert part.trend == pytest.approx(10 + 0.5 * place)
            assert part.residual == pytest.approx(0, abs=1e-9)
    known = [part.trend is not None for part in found]
    assert known == [season // 2 <= place < 5 * season - season // 2 for place in range(5 * season)]


@given(st.lists(numbers, min_size=8, max_size=40), st.integers(2, 4))
def test_the_parts_add_up_and_the_season_to_nothing(values: list[float], season: int) -> None:
    found = decompose(values, season)

    assert found is not None
    assert sum(part.seasonal for part in found[:season]) == pytest.approx(0, abs=1e-6)
    for value, part in zip(values, found, strict=True):
        if part.trend is not None and part.residual is not None:
            assert part.trend + part.seasonal + part.residual == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("values", [[], [1.0] * 13, [1.0, *[None] * 13]])
def test_too_few_values_have_no_season(values: list[float | None]) -> None:
    assert decompose(values, 7) is None
