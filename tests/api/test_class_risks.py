"""Classes of the roster in dropout: listed as courses, with the risks of their students now."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from dropout_service.models import Course
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import IdentifierKind, RosterKind
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.factories import NOON
from tests.support.rosters import a_class, an_enrolment, an_identifier, fill, outcomes, today
from tests.support.services import PARTS

COURSES = "/api/v1/courses"


class School:
    """Both services on one PostgreSQL, or each on a store in memory."""

    def __init__(self, open_database: OpenDatabase, client: TestClient) -> None:
        self.datastore = DatastoreManager(open_database(StaffstuddashBase.metadata))
        self.client = client

    def risks(self, path: str, **query: str) -> list[str]:
        """Return the students of a list of predictions."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [row["student_id"] for row in answer.json()["items"]]


@pytest.fixture
def dropout(open_database: OpenDatabase) -> DropoutDatabaseManager:
    """Give dropout with a prediction of each of four students."""
    manager = DropoutDatabaseManager(open_database(DropoutBase.metadata))
    for number, risk in enumerate((0.2, 0.9, 0.5, 0.7), 1):
        student = f"s{number:03}"
        manager.students.add(student)
        manager.predictions.add(None, student, "ENGAGEMENT", risk, as_of=NOON)
    return manager


@pytest.fixture
def school(open_database: OpenDatabase, dropout: DropoutDatabaseManager) -> Iterator[School]:
    """Give a school with two classes; s001 and s002 are in 5a, s003 left it."""
    settings = PARTS["dropout"].settings(environment=Environment.DEVELOPMENT, fallback=Fallback.OFF)
    app = PARTS["dropout"].create_app(dropout, settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        made = School(open_database, client)
        fill(made.datastore, students=4, classes=("5a", "5b"))
        outcomes(
            made.datastore,
            an_enrolment("e1", valid_from=today(-9)),
            an_enrolment("e2", student_id="s002"),
            an_enrolment("e3", student_id="s003", valid_to=today(-1)),
            an_enrolment("e4", student_id="s004", class_id="5b"),
            an_enrolment("e5", student_id="s004", valid_from=today(3)),
        )
        yield made


def needs_postgresql(school: School) -> None:
    if school.datastore.use_fallback:
        pytest.skip("in memory the services share no view")


def test_a_class_lists_the_students_enrolled_now(school: School) -> None:
    needs_postgresql(school)

    assert school.risks(f"{COURSES}/5a/risks") == ["s002", "s001"]
    assert school.risks("/api/v1/predictions", course="5a") == ["s002", "s001"]
    assert school.risks(f"{COURSES}/5b/risks") == ["s004"]


def test_an_ended_enrolment_takes_the_student_off_the_list(school: School) -> None:
    needs_postgresql(school)
    school.datastore.roster.separate(RosterKind.ENROLMENT, class_id="5a", student_id="s002")

    assert school.risks(f"{COURSES}/5a/risks") == ["s001"]
    school.datastore.roster.end(RosterKind.CLASS, "5a")
    assert school.risks(f"{COURSES}/5a/risks") == []


def test_activity_does_not_put_a_student_on_the_list_of_a_class(
    school: School, dropout: DropoutDatabaseManager
) -> None:
    for course in ("5a", "club"):
        dropout.events.add(None, "s003", "q1", "QUESTION_SUBMIT", occurred_at=NOON, course=course)

    assert school.risks(f"{COURSES}/club/risks") == ["s003"]
    if school.datastore.use_fallback:
        assert school.risks(f"{COURSES}/5a/risks") == ["s003"]
    else:
        assert school.risks(f"{COURSES}/5a/risks") == ["s002", "s001"]


def test_classes_are_listed_as_courses(school: School) -> None:
    needs_postgresql(school)
    outcomes(school.datastore, a_class("free", term_ids=(), course_id=None))
    expected: dict[str, Any] = {
        "id": "5a",
        "module": "math",
        "presentation": "5a",
        "starts_on": "2026-08-01",
        "length_days": 365,
        "enrolments": 4,
        "still_registered": 2,
        "activity_from": None,
        "activity_until": None,
        "is_class": True,
        "source": "roster",
        "has_activity": False,
    }

    first = school.client.get(COURSES, params={"limit": 1}).json()
    others = school.client.get(COURSES, params={"after": first["next"]}).json()["items"]

    assert first["items"] == [expected]
    assert [(one["id"], one["starts_on"], one["length_days"]) for one in others] == [
        ("5b", "2026-08-01", 365),
        ("free", None, None),
    ]
    school.datastore.roster.end(RosterKind.CLASS, "5a")
    listed = school.client.get(COURSES).json()["items"]
    assert [one["id"] for one in listed] == ["5b", "free"]


def test_an_imported_course_precedes_a_class_of_its_id(
    school: School, dropout: DropoutDatabaseManager
) -> None:
    imported = {"module": "m", "presentation": "1", "starts_on": date(2026, 1, 1)}
    with dropout.database.unit_of_work() as session:
        session.add(Course(id="5a", length_days=9, digest=b"0", **imported))

    listed = school.client.get(COURSES).json()["items"]
    assert [(one["id"], one["is_class"]) for one in listed][:1] == [("5a", False)]
    assert [one["id"] for one in listed].count("5a") == 1
    assert school.risks(f"{COURSES}/5a/risks") == []


def test_views_have_few_columns(school: School) -> None:
    needs_postgresql(school)
    outcomes(school.datastore, an_identifier(kind=IdentifierKind.ID))
    columns = {
        "published_classes": {
            "class_id",
            "course_id",
            "starts_on",
            "ends_on",
            "ended_at",
            "subjects",
            "term_id",
        },
        "published_enrolments": {"student_id", "class_id", "valid_from", "valid_to"},
        "published_identifiers": {"student_id", "system", "kind", "value"},
    }

    with school.datastore.database.reading() as session:
        for view, names in columns.items():
            rows = session.execute(text(f"SELECT * FROM staffstuddash.{view}")).mappings().all()
            assert rows
            assert set(rows[0]) == names
