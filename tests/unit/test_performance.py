"""Properties of the performance summary."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.domain.performance import Mark, percentage, summarise
from tests.support.factories import NOON

marks = st.builds(
    Mark,
    subject=st.sampled_from(["Math", "Art", "History"]),
    percentage=st.floats(0, 100),
    submitted_at=st.integers(0, 1000).map(lambda hours: NOON + timedelta(hours=hours)),
)


@given(st.lists(marks))
def test_means_lie_within_the_marks_and_counts_add_up(given_marks: list[Mark]) -> None:
    performance = summarise(given_marks)

    assert performance.assessment_count == len(given_marks)
    assert sum(s.count for s in performance.subjects) == len(given_marks)
    assert (performance.mean_percentage is None) == (not given_marks)
    for subject in performance.subjects:
        own = [mark.percentage for mark in given_marks if mark.subject == subject.subject]
        assert min(own) - 1e-9 <= subject.mean_percentage <= max(own) + 1e-9
        assert subject.last_percentage in own


@given(st.lists(marks, min_size=1).flatmap(lambda m: st.tuples(st.just(m), st.permutations(m))))
def test_the_order_of_arrival_does_not_change_the_summary(
    both: tuple[list[Mark], list[Mark]],
) -> None:
    one, other = (summarise(given_marks) for given_marks in both)

    assert one.mean_percentage == pytest.approx(other.mean_percentage)
    assert [(s.subject, s.count, s.last_submitted_at) for s in one.subjects] == [
        (s.subject, s.count, s.last_submitted_at) for s in other.subjects
    ]


@given(st.lists(marks, min_size=1), st.floats(0, 100))
def test_a_better_mark_never_lowers_the_mean(given_marks: list[Mark], better: float) -> None:
    first, *rest = given_marks
    raised = Mark(first.subject, max(first.percentage, better), first.submitted_at)

    before, after = summarise(given_marks), summarise([raised, *rest])

    assert before.mean_percentage is not None
    assert after.mean_percentage is not None
    assert after.mean_percentage >= before.mean_percentage - 1e-9


@pytest.mark.parametrize(("score", "max_score"), [(-1, 10), (21, 10), (0, 0), (1, -1)])
def test_a_score_out_of_range_has_no_percentage(score: float, max_score: float) -> None:
    with pytest.raises(ValueError, match="lies between 0 and"):
        percentage(score, max_score)
