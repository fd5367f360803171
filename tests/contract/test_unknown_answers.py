"""Answers that are not known to be right or wrong: unknown is neither solved nor unsolved."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.risk import assess
from shared_db.spool.queue import Spool
from tests.support.factories import NOON, days
from tests.support.past_events import SUBMIT, an_event, features_at
from tests.support.waiting_rows import manager_on, replay, wait_in

LAST_DAY = 45
VELOCITY, PLATEAU = "velocity_fall", "plateau_days"


def answer(day: float, number: int, correct: bool | None, **changes: Any) -> EventToStore:
    data = None if correct is None else {"correct": correct}
    values = {"question_id": f"q{number}", "data": data, **changes}
    return an_event(NOON + days(day), SUBMIT, **values)


def every_third_half_day(verdicts: Sequence[bool | None]) -> list[EventToStore]:
    """Return an answer to a new question every day and a half, up to the last day."""
    return [answer(1.5 * n, n, correct) for n, correct in enumerate(verdicts)]


def reasons_and_missing(seen: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    assessment = assess(Features(**seen))
    found = (*assessment.primary, *assessment.secondary)
    missing = {one.name: one.reason for one in assessment.missing}
    return {one.name: one.text for one in found}, missing


def test_later_answers_without_a_verdict_do_not_raise_the_risk(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.events.add_many(every_third_half_day([True] * 15 + [None] * 15))

    seen = features_at(db_manager, NOON + days(LAST_DAY))
    prediction = db_manager.predictions.predict("s001", as_of=NOON + days(LAST_DAY))

    assert seen["velocity_recent"] is None
    assert seen["velocity_before"] is None  # half of the answers of the weeks before
    assert seen["plateau_days"] is None
    assert seen["questions_correct"] is None
    assert (prediction.risk_score, prediction.risk_level) == (0, "LOW")
    assert {VELOCITY, PLATEAU} <= {one["name"] for one in prediction.missing}
    _, missing = reasons_and_missing(seen)
    assert "three quarters of the answers" in missing[VELOCITY]
    assert "three quarters of the answers" in missing[PLATEAU]


def test_a_real_fall_of_solved_questions_is_still_seen(db_manager: DropoutDatabaseManager) -> None:
    verdicts = [True] * 20 + [False] * 8 + [None] * 2
    db_manager.events.add_many(every_third_half_day(verdicts))

    seen = features_at(db_manager, NOON + days(LAST_DAY))

    assert seen["velocity_recent"] == 0
    assert seen["plateau_days"] == 15
    reasons, _ = reasons_and_missing(seen)
    assert "0.0 questions newly solved a week" in reasons[VELOCITY]
    assert "known to solve a question" in reasons[PLATEAU]


def test_a_window_without_answers_is_known(db_manager: DropoutDatabaseManager) -> None:
    db_manager.events.add_many([answer(n, n, correct=True) for n in range(20)])
    db_manager.events.add_many([an_event(NOON + days(40 + n)) for n in range(5)])

    seen = features_at(db_manager, NOON + days(LAST_DAY))

    assert (seen["velocity_recent"], seen["plateau_days"], seen["questions_correct"]) == (0, 0, 20)


def test_right_answers_without_a_question_solve_nothing_known(
    db_manager: DropoutDatabaseManager,
) -> None:
    named = [answer(n, n, correct=True) for n in range(20)]
    unnamed = [answer(32 + n, n, correct=True, question_id=None) for n in range(12)]
    db_manager.events.add_many([*named, *unnamed])

    seen = features_at(db_manager, NOON + days(LAST_DAY))

    assert seen["velocity_before"] is not None
    assert (seen["velocity_recent"], seen["success_share_recent"]) == (None, 1)
    assert VELOCITY in reasons_and_missing(seen)[1]


@pytest.mark.parametrize("place", ["whole days", "day of the instant"])
def test_answers_of_the_day_count_as_those_of_whole_days(
    db_manager: DropoutDatabaseManager, place: str
) -> None:
    verdicts = (True, False, None, None)
    db_manager.events.add_many([answer(n / 24, n, one) for n, one in enumerate(verdicts)])

    seen = features_at(db_manager, NOON + days(1 if place == "whole days" else 0.3))

    assert seen["questions_attempted"] == 4
    assert (seen["questions_correct"], seen["velocity_recent"]) == (None, None)
    assert (seen["graded_recent"], seen["success_share_recent"]) == (2, 0.5)


def test_a_wrong_value_of_an_older_release_counts_as_unknown(
    db_manager: DropoutDatabaseManager,
) -> None:
    results = db_manager.events.add_many(
        [answer(0, 0, None, id="old", data={"correct": "yes"}), answer(1, 1, correct=True)]
    )

    seen = features_at(db_manager, NOON + days(2))

    assert [result.is_stored for result in results] == [True, True]
    assert (seen["graded_recent"], seen["questions_correct"]) == (1, None)


def test_rows_of_an_older_spool_are_stored(private_url: str, tmp_path: Path) -> None:
    with closing(Spool(tmp_path / "spool.db")) as spool:
        manager = manager_on(private_url, spool)
        old = answer(0, 0, None, id="old", data={"correct": "yes"}, accepted_at=NOON)
        wait_in(spool, old)

        replay(manager, spool)

        state = spool.state()
        [stored] = manager.events.search("s001").items
    assert (state.waiting, state.refused) == (0, 0)
    assert (stored.id, stored.data, stored.is_correct) == ("old", {"correct": "yes"}, None)
