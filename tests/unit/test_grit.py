"""Properties of grit: setbacks and further tries."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.domain.grit import grit_of
from staffstuddash_service.domain.performance import Mark
from tests.support.factories import NOON, days

LATER = NOON + days(365)


def mark(day: float, percentage: float, subject: str = "Math") -> Mark:
    return Mark(subject, percentage, NOON + days(day))


some_marks = st.lists(
    st.builds(mark, st.integers(0, 60), st.floats(0, 100), st.sampled_from(["Math", "Art"])),
    max_size=15,
)


def test_a_setback_with_another_try_raises_the_level() -> None:
    grit = grit_of([mark(0, 80), mark(1, 80), mark(2, 60), mark(16, 50)], LATER)

    assert grit.setback_count == 2  # the second has no further try
    assert grit.level == 0.5


def test_a_mark_in_another_subject_is_no_further_try() -> None:
    grit = grit_of([mark(0, 80), mark(1, 80), mark(2, 60), mark(3, 90, "Art")], LATER)

    assert grit.level == 0


def test_without_a_setback_there_is_no_level() -> None:
    assert grit_of([mark(0, 80), mark(1, 80), mark(2, 71)], LATER).level is None
    assert grit_of([], LATER).level is None


def test_a_low_second_mark_is_no_setback() -> None:
    assert grit_of([mark(0, 80), mark(1, 10)], LATER).setback_count == 0


def test_a_setback_is_open_for_fourteen_days() -> None:
    marks = [mark(0, 80), mark(1, 80), mark(2, 60)]
    waiting = grit_of(marks, NOON + days(10))
    over = grit_of(marks, NOON + days(16))

    assert (waiting.level, waiting.settles_at) == (None, NOON + days(16))
    assert (over.level, over.settles_at) == (0, None)


@given(some_marks, st.integers(0, 100))
def test_the_level_is_a_share_of_the_setbacks(marks: list[Mark], day: int) -> None:
    as_of = NOON + days(day)
    grit = grit_of(marks, as_of)

    assert (grit.level is None) == (grit.setback_count == 0)
    assert grit.level is None or 0 <= grit.level <= 1
    assert grit.settles_at is None or grit.settles_at > as_of


@given(some_marks, some_marks, st.integers(0, 60))
def test_later_marks_do_not_change_the_level(
    marks: list[Mark], later: list[Mark], day: int
) -> None:
    as_of: datetime = NOON + days(day)
    future = [m for m in later if m.submitted_at > as_of]

    assert grit_of([*marks, *future], as_of) == grit_of(marks, as_of)


@given(some_marks, st.integers(0, 60))
def test_another_try_never_lowers_the_level(marks: list[Mark], day: int) -> None:
    # A mark of 100 is no setback itself, and comes after all others so that no mean changes.
    last = max((m.submitted_at for m in marks), default=NOON)
    again = Mark("Math", 100, last + days(day / 60 + 0.01))
    before, after = grit_of(marks, LATER), grit_of([*marks, again], LATER)

    assert after.setback_count == before.setback_count
    assert (after.level or 0) >= (before.level or 0)
