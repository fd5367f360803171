"""Level of a week of predictions, and its interval."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_service.domain.enrolments.week_quality import (
    WeekFigures,
    WeekLevel,
    week_level,
    wilson_interval,
)

GOOD = WeekFigures(
    predictions=400,
    expected_left=80.0,
    left=80,
    known=400,
    mean_risk=0.2,
    observed_share=0.2,
    observed_low=0.164,
    observed_high=0.242,
    brier=0.15,
    calibration_error=0.02,
    drift_index=0.05,
)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_bounds(counts: tuple[int, int]) -> None:
    positives, count = counts
    low, high = wilson_interval(positives, count)

    assert 0 <= low <= positives / count + 1e-12
    assert positives / count - 1e-12 <= high <= 1
    assert low < high


@pytest.mark.parametrize(
    ("changed", "level", "reason"),
    [
        ({}, WeekLevel.OK, ""),
        ({"mean_risk": 0.25}, WeekLevel.WATCH, "20% left (16% to 24%), 25% were predicted"),
        ({"mean_risk": 0.26}, WeekLevel.WARNING, "20% left (16% to 24%), 26% were predicted"),
        # Three standard deviations are 24 leavers.
        ({"left": 104}, WeekLevel.OK, ""),
        ({"left": 105}, WeekLevel.WARNING, "105 have left already, 80 were expected"),
        ({"drift_index": 0.2}, WeekLevel.WATCH, "index 0.20"),
        ({"drift_index": 0.3}, WeekLevel.WARNING, "index 0.30"),
        ({"drift_index": None}, WeekLevel.OK, "stored without risks"),
        ({"calibration_error": None, "known": 60}, WeekLevel.OK, "60 outcomes are known; 200"),
        ({"mean_risk": None, "known": 3}, WeekLevel.UNKNOWN, "outcomes of 3 enrolments are known"),
    ],
)
def test_a_level_has_its_reason(
    changed: dict[str, float | None], level: WeekLevel, reason: str
) -> None:
    found, reasons = week_level(replace(GOOD, **changed))  # type: ignore[arg-type]

    assert found is level
    assert len(reasons) == (1 if reason else 0)
    assert reason in "".join(reasons)
