"""Properties of trends and of the performance status."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.domain.performance import Mark, summarise
from staffstuddash_service.domain.performance_status import Status, performance_status_of
from staffstuddash_service.domain.trend import slope_per_30_days
from tests.support.factories import NOON, days

points = st.lists(
    st.tuples(st.integers(0, 400).map(lambda n: NOON + days(n)), st.floats(0, 100)), max_size=12
)


def line(*values: float, every: float = 10) -> list[tuple[datetime, float]]:
    return [(NOON + days(every * n), value) for n, value in enumerate(values)]


def marks(*values: float, subject: str = "Math", every: float = 10) -> list[Mark]:
    return [Mark(subject, value, at) for at, value in line(*values, every=every)]


def test_points_on_a_line_have_its_slope() -> None:
    assert slope_per_30_days([line(50, 60, 70)]) == pytest.approx(30)


@pytest.mark.parametrize(
    "groups", [[], [line(10, 90)], [line(10, 50, 90, every=3)], [line(10), line(20), line(30)]]
)
def test_too_few_or_too_close_points_have_no_slope(
    groups: list[list[tuple[datetime, float]]],
) -> None:
    assert slope_per_30_days(groups) is None


@given(points)
def test_mirrored_points_have_the_opposite_slope(
    given_points: list[tuple[datetime, float]],
) -> None:
    slope = slope_per_30_days([given_points])
    mirrored = slope_per_30_days([[(at, 100 - value) for at, value in given_points]])

    assert (slope is None) == (mirrored is None)
    if slope is not None and mirrored is not None:
        assert slope == pytest.approx(-mirrored, abs=1e-6)


@given(points, st.floats(-50, 50))
def test_the_level_does_not_change_the_slope(
    given_points: list[tuple[datetime, float]], level: float
) -> None:
    raised = [(at, value + level) for at, value in given_points]

    assert slope_per_30_days([raised]) == pytest.approx(slope_per_30_days([given_points]), abs=1e-6)


def test_the_late_start_of_a_hard_subject_is_no_fall() -> None:
    art = [Mark("Art", 40, NOON + days(100 + 10 * n)) for n in range(3)]

    performance = summarise([*marks(90, 90, 90), *art])

    assert performance.trend_per_30_days == pytest.approx(0)
    assert [s.trend_per_30_days for s in performance.subjects] == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("values", "status", "reasons"),
    [
        ((), None, 1),
        ((10,), None, 1),
        ((80, 82), Status.SAFE, 1),
        ((50, 52), Status.REVIEW_NEEDED, 1),
        ((90, 80, 70), Status.REVIEW_NEEDED, 1),
        ((30, 30), Status.HIGH_RISK, 2),
        ((60, 50, 40), Status.HIGH_RISK, 2),
    ],
)
def test_the_status_has_reasons(
    values: tuple[float, ...], status: Status | None, reasons: int
) -> None:
    found = performance_status_of(summarise(marks(*values)))

    assert found.status == status
    assert len(found.reasons) == reasons


def test_a_low_subject_needs_a_review_although_the_mean_is_good() -> None:
    found = performance_status_of(
        summarise([*marks(95, 95, 95, 95), *marks(30, 30, subject="Art")])
    )

    assert found.status is Status.REVIEW_NEEDED
    assert "Art" in found.reasons[0]
    assert found.strengths == ("Math",)
    assert found.weaknesses == ("Art",)


def test_one_mark_is_no_strength() -> None:
    found = performance_status_of(summarise([*marks(50, 50, 50), *marks(99, subject="Art")]))

    assert found.strengths == ()


GRAVITY = [Status.SAFE, Status.REVIEW_NEEDED, Status.HIGH_RISK]


@given(st.lists(st.floats(0, 80), min_size=2, max_size=8), st.floats(0, 20))
def test_better_marks_never_make_the_status_worse(values: list[float], by: float) -> None:
    before = performance_status_of(summarise(marks(*values))).status
    after = performance_status_of(summarise(marks(*(value + by for value in values)))).status

    assert before is not None
    assert after is not None
    # The slope is equal except for rounding, so a trend exactly at the limit of -10 is excluded.
    trend = summarise(marks(*values)).trend_per_30_days
    if trend is None or abs(trend + 10) > 1e-6:
        assert GRAVITY.index(after) <= GRAVITY.index(before)


@given(st.lists(st.builds(Mark, st.sampled_from("abc"), st.floats(0, 100), st.just(NOON))))
def test_no_subject_is_both_strong_and_weak(given_marks: list[Mark]) -> None:
    found = performance_status_of(summarise(given_marks))

    assert not set(found.strengths) & set(found.weaknesses)
    assert found.reasons
