"""Range of scores, equal in both services that store marks."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dropout_service.domain.scores
import staffstuddash_service.domain.scores
from dropout_service.database.assessments import AssessmentToStore as OwnMark
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore import AssessmentToStore
from tests.support.factories import NOON

FUNCTIONS = [
    staffstuddash_service.domain.scores.stored_score,
    dropout_service.domain.scores.stored_score,
]
Function = Callable[..., float | None]
both = pytest.mark.parametrize("stored_score", FUNCTIONS, ids=["staffstuddash", "dropout"])


@both
@given(st.floats(1e-9, 1e9), st.floats(0, 1))
def test_a_score_in_range_is_stored_as_it_is(
    stored_score: Function, max_score: float, share: float
) -> None:
    score = share * max_score

    assert stored_score(score, max_score) == score
    assert stored_score(score + max_score, max_score, extra_credit=True) <= 2 * max_score  # type: ignore[operator] # a score


@both
def test_rounding_is_no_excess(stored_score: Function) -> None:
    assert stored_score(0.1 + 0.2, 0.3) == 0.3
    assert stored_score(0.2 + 0.4, 0.3, extra_credit=True) == 0.6


@both
@pytest.mark.parametrize(
    ("score", "max_score", "flags"),
    [
        (100.000001, 100, {}),
        (-1e-12, 100, {}),
        (201, 100, {"extra_credit": True}),
        (float("nan"), 100, {}),
        (0, 0, {}),
        (0, float("nan"), {}),
        (None, 100, {}),
        (50, 100, {"excused": True}),
    ],
)
def test_other_scores_are_refused(
    stored_score: Function, score: float | None, max_score: float, flags: dict[str, bool]
) -> None:
    with pytest.raises(ValueError, match="score"):
        stored_score(score, max_score, **flags)


@both
def test_excused_work_has_no_score(stored_score: Function) -> None:
    assert stored_score(None, 100, excused=True) is None


def test_the_digest_of_an_ordinary_mark_is_that_of_earlier_releases() -> None:
    sent = {"student_id": "s1", "type": "quiz", "subject": "Math", "score": 8.0, "max_score": 10.0}
    digest = content_digest(sent)

    assert AssessmentToStore("s1", "quiz", "Math", 8, 10).values(NOON)["digest"] == digest
    assert OwnMark("s1", "quiz", "Math", 8, 10).values(NOON)["digest"] == digest
    excused = AssessmentToStore("s1", "quiz", "Math", None, 10, excused=True)
    assert excused.values(NOON)["digest"] != digest
