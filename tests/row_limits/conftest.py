"""School of four students: a teacher of two, an advisor of another, and one of neither."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from dropout_service.database import EventToStore
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from staffstuddash_service.datastore import AssessmentToStore
from tests.support.persons import Managers, person_client
from tests.support.rosters import (
    a_class,
    a_guardian,
    a_person,
    a_teaching,
    an_advising,
    an_enrolment,
    an_identifier,
    fill,
    outcomes,
)

STUDENTS = ("s001", "s002", "s003", "s004")


@pytest.fixture
def managers(migrated_engine: Engine) -> Iterator[Managers]:
    """Give the managers on a school that is rolled back: t1 teaches s001 and s002, v1 advises s003.

    Each student has rows of every kind.
    """
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        managers = Managers.on(connection)
        _fill_staffstuddash(managers)
        _fill_dropout(managers)
        yield managers
        transaction.rollback()


@pytest.fixture
def staffstuddash(managers: Managers) -> Iterator[TestClient]:
    """Give a client of staffstuddash; a header names the person."""
    with person_client("staffstuddash", managers.staffstuddash) as client:
        yield client


@pytest.fixture
def dropout(managers: Managers) -> Iterator[TestClient]:
    """Give a client of dropout; a header names the person."""
    with person_client("dropout", managers.dropout) as client:
        yield client


def _fill_staffstuddash(managers: Managers) -> None:
    datastore = managers.staffstuddash
    fill(datastore, students=len(STUDENTS), classes=("5a", "5b"))
    outcomes(datastore, a_person("v1"), a_person("t2"))
    outcomes(
        datastore,
        an_enrolment("e1"),
        an_enrolment("e2", student_id="s002"),
        an_enrolment("e3", student_id="s003", class_id="5b"),
        an_enrolment("e4", student_id="s004", class_id="5b"),
    )
    outcomes(datastore, a_teaching())
    outcomes(datastore, an_advising(person_id="v1", student_id="s003"))
    outcomes(datastore, *(a_guardian(id=f"g-{id_}", student_id=id_) for id_ in STUDENTS))
    outcomes(datastore, *(an_identifier(student_id=id_, value=f"m-{id_}") for id_ in STUDENTS))
    outcomes(datastore, a_class("5c"))
    marks = [
        AssessmentToStore(
            id_,
            "quiz",
            "Math",
            60 + number,
            topic="fractions",
            id=f"m-{id_}-{number}",
            timestamp=utc_now() - timedelta(days=number),
        )
        for id_ in STUDENTS
        for number in range(3)
    ]
    datastore.assessments.add_many(marks)
    for id_ in STUDENTS:
        datastore.add_draft(id_, "essay", "Light is scattered by the air.", draft_id=f"d-{id_}")
        datastore.actions.add(id_, "coach", "talk", action_id=f"x-{id_}")


def _fill_dropout(managers: Managers) -> None:
    manager = managers.dropout
    manager.events.add_many(
        [EventToStore(id_, EventType.QUESTION_SUBMIT, f"v-{id_}", "q1", "5a") for id_ in STUDENTS]
    )
    for number, id_ in enumerate(STUDENTS):
        manager.assessments.add(id_, "quiz", "Math", 50, assessment_id=f"n-{id_}")
        manager.assessments.update(f"n-{id_}", {"score": 55}, actor="coach", reason="typing error")
        manager.features.add(f"f-{id_}", id_, {"events": 1})
        manager.predictions.add(f"p-{id_}", id_, "ENGAGEMENT", 0.6 + number / 100)
        manager.feedback.add(f"p-{id_}", "accepted", feedback_id=f"k-{id_}")
