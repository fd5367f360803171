"""Properties of learning states, of concepts and of the material hint of a cohort."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.domain.cohort import change, material_hint, start_of_day
from staffstuddash_service.domain.learning import (
    LearningState,
    concept_performances,
    learning_state_of,
    movement_of,
)
from staffstuddash_service.domain.performance import Mark
from tests.support.factories import NOON, days

percentages = st.lists(st.floats(0, 100), min_size=3, max_size=10)
ORDER = [LearningState.STALLED, LearningState.PLATEAU, LearningState.PROGRESSING]


def marks(*values: float, concept: str | None = None, subject: str = "Math") -> list[Mark]:
    return [Mark(subject, value, NOON + days(n), concept) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((50, 60), None),
        ((50, 99, 60), LearningState.PROGRESSING),
        ((60, 62, 61), LearningState.PLATEAU),
        ((80, 70, 60), LearningState.STALLED),
        ((30, 32, 31), LearningState.STALLED),
        ((30, 35, 40), LearningState.PROGRESSING),
    ],
)
def test_the_state_follows_from_the_halves(
    values: tuple[float, ...], state: LearningState | None
) -> None:
    assert learning_state_of(marks(*values)) == state


@given(percentages)
def test_a_movement_is_bounded(values: list[float]) -> None:
    movement = movement_of(values)

    assert movement is not None
    assert -100 <= movement.change <= 100
    assert min(values) <= movement.level <= max(values)


@given(percentages, st.floats(0, 100))
def test_a_better_last_mark_never_makes_the_state_worse(values: list[float], last: float) -> None:
    before, after = movement_of(values), movement_of([*values[:-1], max(values[-1], last)])

    assert before is not None
    assert after is not None
    assert ORDER.index(after.state) >= ORDER.index(before.state)


def test_the_late_start_of_a_hard_subject_is_no_stall() -> None:
    art = [Mark("Art", 60, NOON + days(10 + n)) for n in range(3)]

    assert learning_state_of([*marks(90, 90, 90), *art]) is LearningState.PLATEAU


def test_each_concept_has_a_state_of_its_own() -> None:
    given_marks = [*marks(10, 20, 30, concept="fractions"), *marks(90, concept="sets"), *marks(1)]

    fractions, sets = concept_performances(given_marks)

    assert (fractions.concept, fractions.learning_state) == ("fractions", "PROGRESSING")
    assert (sets.concept, sets.assessment_count, sets.learning_state) == ("sets", 1, None)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_hint_needs_five_students_and_rises_with_the_fallen(compared: int, fallen: int) -> None:
    fallen = min(fallen, compared)
    hint = material_hint("Math", compared, fallen)

    assert (hint.is_material is None) == (compared < 5)
    if hint.is_material:
        assert material_hint("Math", compared, compared).is_material
    elif hint.fallen_share is not None:
        assert hint.fallen_share < 0.6


def test_more_cannot_have_fallen_than_were_compared() -> None:
    with pytest.raises(ValueError, match="some of those compared"):
        material_hint("Math", 5, 6)


def test_a_change_needs_both_values() -> None:
    assert change(3, None) is None
    assert change(None, 3) is None
    assert change(5, 3) == 2


def test_the_day_begins_at_midnight_in_the_time_zone() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)

    assert start_of_day(late, None) == datetime(2026, 3, 2, tzinfo=UTC)
    assert start_of_day(late, ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 2, 23, tzinfo=UTC)


def test_the_day_begins_at_the_first_of_two_midnights() -> None:
    """Clocks of the Azores go from 01:00 back to 00:00 at 01:00 UTC."""
    after = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert start_of_day(after, ZoneInfo("Atlantic/Azores")) == datetime(2026, 10, 25, tzinfo=UTC)
