"""Features of enrolments whose events leave something unknown: NaN, and no zero."""

from typing import Any

import numpy as np
import pytest

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.features.enrolment import enrolment_features
from dropout_service.domain.enums import EventType
from shared_db.connection.database import Database
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.waiting_rows import enrol

DAY = 20


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))


def an_event(student: str, day: int, kind: EventType, **values: Any) -> EventToStore:
    return EventToStore(student, kind, course="math", occurred_at=NOON + days(day), **values)


def answers(student: str, *verdicts: bool | None) -> list[EventToStore]:
    return [
        an_event(
            student,
            day,
            EventType.QUESTION_SUBMIT,
            question_id=f"q{day}",
            data=None if correct is None else {"correct": correct},
        )
        for day, correct in enumerate(verdicts)
    ]


def known(manager: DropoutDatabaseManager, name: str) -> dict[str, float]:
    with manager.database.reading() as session:
        features = enrolment_features(session, DAY)
    return dict(zip(features["student_id"].tolist(), features[name].tolist(), strict=True))


def test_unknown_answers_are_not_unsolved_questions(manager: DropoutDatabaseManager) -> None:
    manager.events.add_many(
        [
            *answers("ada", True, False, True),
            *answers("bob", True, None, None),
            an_event("cy", 1, EventType.NAVIGATION),
        ]
    )
    enrol(manager, "math", 60, "ada", "bob", "cy")

    solved = known(manager, "questions_solved")

    assert (solved["ada"], solved["cy"]) == (2, 0)
    assert np.isnan(solved["bob"])


def test_a_course_without_verdicts_has_no_solved_questions(manager: DropoutDatabaseManager) -> None:
    manager.events.add_many([*answers("ada", None, None), an_event("bob", 1, EventType.NAVIGATION)])
    enrol(manager, "math", 60, "ada", "bob")

    assert np.isnan(list(known(manager, "questions_solved").values())).all()
    assert set(known(manager, "answers_per_week_28").values()) == {0.5, 0}


@pytest.mark.parametrize(("data", "types"), [({"activity": "forum"}, 1), ({"clicks": 3}, None)])
def test_types_of_resources_are_unknown_if_no_event_names_one(
    manager: DropoutDatabaseManager, data: dict[str, Any], types: int | None
) -> None:
    manager.events.add_many(
        [
            an_event("ada", 1, EventType.RESOURCE_VIEW, data=data),
            an_event("bob", 1, EventType.NAVIGATION),
        ]
    )
    enrol(manager, "math", 60, "ada", "bob")

    used = known(manager, "resource_types")

    if types is None:
        assert np.isnan(list(used.values())).all()
    else:
        assert used == {"ada": types, "bob": 0}
