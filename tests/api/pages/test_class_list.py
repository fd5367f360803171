"""Class list: students by the change of their place, with names, reasons and activity."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.risk import IndicatorResult
from dropout_service.domain.sentences.sentence import Sentence
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import RosterKind
from tests.support.pages import pages
from tests.support.rosters import a_class, an_enrolment

HOSTILE = "<script>alert(1)</script>"
CLASS = "/classes/5a"


def sign(missed: int = 3) -> IndicatorResult:
    return IndicatorResult(
        name="missed_work",
        part=DropoutType.SILENT,
        value=float(missed),
        compared_with=None,
        severity=0.5,
        contribution=0.4,
        text=f"{missed} of 5 assessments due were missed (course: 1).",
        sentence=Sentence("missed_work.missed", {"missed": missed, "due": 5, "usual": 1}),
    )


@pytest.fixture
def taught(school: DatastoreManager, connection: Connection) -> Iterator[DatastoreManager]:
    """Give a school whose class 5a has predictions of this week and of the week before."""
    names = {"s002": "Bob", "s003": HOSTILE, "s004": "Dora", "s005": "Émile"}
    school.students.add_many([StudentToStore(name, id=id_) for id_, name in names.items()])
    students = ["s001", *names]
    outcome = school.roster.apply(
        RosterKind.CLASS, [a_class("5a", term_ids=(), course_id=None)], "manual"
    )
    assert outcome
    school.roster.apply(
        RosterKind.ENROLMENT,
        [an_enrolment(f"e-{id_}", student_id=id_, class_id="5a") for id_ in students],
        "manual",
    )
    dropout = DropoutDatabaseManager(Database.for_bind(connection, role="none"))
    now = utc_now()
    for as_of, order in (
        (now - timedelta(days=7), ["s001", "s002", "s003", "s004", "s005"]),
        (now - timedelta(hours=1), ["s004", "s001", "s003", "s002", "s005"]),
    ):
        for place, id_ in enumerate(order, 1):
            dropout.predictions.add(
                None,
                id_,
                "SILENT",
                1 - place / 10,
                as_of=as_of,
                primary_indicators=[sign()],
                recommendations=["Ask what keeps the student from handing in."],
            )
    dropout.events.add(None, "s004", "q1", "QUESTION_SUBMIT", occurred_at=now, course="5a")
    yield school


@pytest.fixture
def client(taught: DatastoreManager, apps: dict[str, ASGIApp]) -> Iterator[TestClient]:
    """Give the pages of a developer, with two students near the top."""
    assert taught
    with pages(apps) as found:
        found.cookies.set("veritas-students", "2")
        yield found


def test_students_stand_under_the_change_of_their_place(client: TestClient) -> None:
    text = client.get(CLASS).text

    new, still, improved = (
        text.index(caption)
        for caption in ("New near the top this week", "Still near the top", "Improved")
    )
    assert new < text.index("Dora") < still < text.index("Ada Lovelace") < improved
    assert improved < text.index("Bob")
    assert "1, was 4" in " ".join(text.split())
    assert "3 of 5 pieces of work that were due were missed (course: 1)." in text
    assert "Active on 1 day in the last week shown" in text
