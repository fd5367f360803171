"""Properties of the comparison of drafts and of the integrity hint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.domain.drafts import (
    ChangeType,
    Continuity,
    Revision,
    compare,
    is_sudden_jump,
)
from staffstuddash_service.domain.integrity import (
    IntegrityLabel,
    RevisionStep,
    integrity_of,
    step_score,
)

words = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), min_size=1, max_size=30)
shares = st.floats(0, 1)
jumps = st.sampled_from([None, False, True])
steps = st.lists(st.builds(RevisionStep, st.sampled_from(["x", "y"]), shares, jumps), max_size=8)
TEXT = [f"w{number}" for number in range(40)]


def revision(before: list[str], after: list[str]) -> Revision:
    found = compare(before, after)
    assert found is not None
    return found


def test_a_text_without_words_is_not_compared() -> None:
    assert compare([], ["a"]) is None
    assert compare(["a"], []) is None


@pytest.mark.parametrize(
    ("after", "change", "continuity"),
    [
        (TEXT, ChangeType.SUPERFICIAL, Continuity.HIGH),
        ([*TEXT[:39], "typo"], ChangeType.SUPERFICIAL, Continuity.HIGH),
        ([*TEXT[:34], *"uvwxyz"], ChangeType.CORRECTIVE, Continuity.HIGH),
        ([*TEXT[20:], *TEXT[:20]], ChangeType.STRUCTURAL, Continuity.MEDIUM),
        ([*TEXT, *map(str, range(60))], ChangeType.STRUCTURAL, Continuity.HIGH),
        ([*TEXT[:10], *map(str, range(30))], ChangeType.STRUCTURAL, Continuity.LOW),
    ],
)
def test_the_type_of_change(after: list[str], change: ChangeType, continuity: Continuity) -> None:
    found = revision(TEXT, after)

    assert (found.change_type, found.reasoning_continuity) == (change, continuity)


@given(words, words)
def test_shares_are_in_range_and_similarity_is_symmetric(
    before: list[str], after: list[str]
) -> None:
    there, back = revision(before, after), revision(after, before)

    assert 0 <= there.lexical_similarity <= 1
    assert 0 <= there.retained_share <= 1
    assert 0 <= there.new_words <= len(after)
    assert there.lexical_similarity == back.lexical_similarity


@given(words)
def test_an_equal_text_has_no_change(text: list[str]) -> None:
    found = revision(text, text)

    assert (found.lexical_similarity, found.retained_share, found.new_words) == (1, 1, 0)


@given(words, words)
def test_adding_at_the_end_keeps_everything(before: list[str], added: list[str]) -> None:
    found = revision(before, before + added)

    assert found.retained_share == 1
    assert found.new_words == len(added)


def test_a_jump_depends_on_the_students_own_pace() -> None:
    assert is_sudden_jump(1000, [10, 10]) is None
    assert is_sudden_jump(99, [10, 10, 10]) is False
    assert is_sudden_jump(100, [10, 10, 10]) is True
    assert is_sudden_jump(400, [200, 150, 300]) is False


@given(st.integers(0, 2000), st.integers(0, 500), st.lists(st.integers(0, 500), min_size=3))
def test_more_new_words_are_never_less_of_a_jump(
    new_words: int, more: int, earlier: list[int]
) -> None:
    assert not (
        is_sudden_jump(new_words, earlier) and not is_sudden_jump(new_words + more, earlier)
    )


@given(steps)
def test_the_hint_is_that_of_the_lowest_score(given_steps: list[RevisionStep]) -> None:
    integrity = integrity_of(given_steps)

    assert (integrity.integrity_score is None) == (not given_steps)
    if integrity.integrity_score is not None:
        assert 0 <= integrity.integrity_score <= 1
        assert integrity.integrity_score == min(a.integrity_score for a in integrity.assignments)
        needs_review = integrity.integrity_label is IntegrityLabel.NEEDS_REVIEW
        assert needs_review == (integrity.integrity_score < 0.5)
    known = [step.is_jump for step in given_steps if step.is_jump is not None]
    assert integrity.sudden_jump_flag == (any(known) if known else None)


@given(shares, shares, jumps)
def test_a_higher_retained_share_never_lowers_the_score(
    one: float, other: float, is_jump: bool | None
) -> None:
    low, high = sorted((one, other))

    assert step_score(low, is_jump=is_jump) <= step_score(high, is_jump=is_jump)


@given(shares)
def test_a_jump_never_raises_the_score(retained: float) -> None:
    assert step_score(retained, is_jump=True) <= step_score(retained, is_jump=False)
    assert step_score(retained, is_jump=True) <= 0.5
