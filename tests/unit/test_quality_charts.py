"""Geometry and words of the page of quality."""

from typing import Any

import pytest

from veritas_web.domain.trust.frequencies import Frequency, frequency, of_whole
from veritas_web.domain.trust.quality import (
    Direction,
    calibration_of,
    day_of,
    direction,
    groups_of,
    verdict_rows,
    week_chart,
)


def a_bin(risk: float, share: float) -> dict[str, Any]:
    return {"risk": risk, "share": share, "rows": 10}


@pytest.mark.parametrize(
    ("share", "found"),
    [
        (0.0, Frequency(0, 1000)),
        (0.004, Frequency(4, 1000)),
        (0.04, Frequency(4, 100)),
        (0.31, Frequency(3, 10)),
        (1.0, Frequency(10, 10)),
    ],
)
def test_a_share_is_said_of_the_smallest_base(share: float, found: Frequency) -> None:
    assert frequency(share) == found


@pytest.mark.parametrize(
    ("share", "found"),
    [(0.0, Frequency(0, 1000)), (0.04, Frequency(1, 25)), (0.8, Frequency(8, 10))],
)
def test_the_base_is_one_in_so_many(share: float, found: Frequency) -> None:
    assert of_whole(share) == found


def test_dots_on_the_diagonal_are_calibrated() -> None:
    chart = calibration_of([a_bin(0.0, 0.0), a_bin(0.15, 0.15), a_bin(0.3, 0.2)])

    assert chart.top == 0.4
    assert chart.diagonal == "40,210 240,10"
    assert [(dot.x, dot.y) for dot in chart.dots] == [(40, 210), (115, 135), (190, 110)]


def test_axes_end_at_all_students() -> None:
    chart = calibration_of([a_bin(0.5, 1.0)])

    assert chart.top == 1
    assert [(dot.x, dot.y) for dot in chart.dots] == [(140, 10)]
    assert calibration_of([]).top == 0.1


def test_the_group_that_is_missed_most_comes_first() -> None:
    gap = {
        "attribute": "gender",
        "leavers": {"F": 40, "M": 60},
        "missed": {"F": 0.25, "M": 0.45},
        "gap": 0.2,
    }
    [groups] = groups_of([gap, {"attribute": "x", "leavers": {}, "missed": {}, "gap": 0.1}])

    assert [(one.name, one.leavers, one.width) for one in groups.groups] == [
        ("M", 60, 45.0),
        ("F", 40, 25.0),
    ]


def test_weeks_run_to_the_right_and_end_at_the_highest() -> None:
    weeks = [{"expected_left": 4.0, "left": 0}, {"expected_left": 2.0, "left": 4}]
    chart = week_chart(weeks)

    assert chart is not None
    assert chart.top == 4
    assert chart.expected == ["125.0,65.0 315.0,10.0"]
    assert [(one.x, one.y) for one in chart.left] == [(125, 10), (315, 120)]
    assert week_chart(weeks[:1]) is None


@pytest.mark.parametrize(
    ("low", "high", "is_more_better", "found"),
    [
        (0.1, 0.2, True, Direction.BETTER),
        (0.1, 0.2, False, Direction.WORSE),
        (-0.2, -0.1, False, Direction.BETTER),
        (-0.1, 0.1, True, Direction.UNCLEAR),
        (None, None, True, None),
    ],
)
def test_a_difference_has_a_direction_if_its_interval_has(
    low: float | None, high: float | None, is_more_better: bool, found: str | None
) -> None:
    assert direction({"low": low, "high": high}, is_more_better=is_more_better) == found


def test_the_wanted_day_is_shown_or_the_middle_one() -> None:
    days = [{"day": 0}, {"day": 14}, {"day": 28}]

    assert day_of(days, 28) == {"day": 28}
    assert day_of(days, 5) == day_of(days, None) == {"day": 14}
    assert day_of([], 5) is None


def test_names_without_a_verdict_are_left_out() -> None:
    counts = {"a": {"accepted": 1}, "b": {"accepted": 0}, "c": {"accepted": 2}}

    assert [name for name, _ in verdict_rows(counts)] == ["c", "a"]
