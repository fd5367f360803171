"""Activity, work, changes and freshness of classes of the roster over HTTP, on PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from dropout_service.models import DropoutPrediction
from shared_db.connection.database import Database
from staffstuddash_service.datastore import StudentToStore
from tests.support.class_schools import FIRST, ClassSchool, opened_class_school
from tests.support.databases import become_owner
from tests.support.factories import NOON, days

STUDENTS = tuple(f"s{number:03}" for number in range(1, 6))
SPAN: dict[str, Any] = {"from": str(FIRST), "until": str(FIRST + timedelta(days=13))}


@pytest.fixture
def school(postgres: Database) -> Iterator[ClassSchool]:
    """Give a school whose five students are in 5a; the last one leaves after a week."""
    with opened_class_school(postgres) as opened:
        opened.datastore.students.add_many([StudentToStore("Eve", None, "s005")])
        # A student is known here from the first row on.
        for student in STUDENTS:
            opened.dropout.students.add(student)
        for student in STUDENTS[:-1]:
            opened.enrol((0, None), student=student)
        opened.enrol((0, 7), student="s005")
        yield opened


def figures(found: dict[str, Any], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in fields) for one in found["items"]]


def test_activity_stands_beside_that_of_the_students_enrolled_then(school: ClassSchool) -> None:
    school.work("s001", 0, 1, 8)
    school.work("s002", 0, course="5b")
    for at, student in enumerate(STUDENTS[2:]):
        school.work(student, *range(at + 1))
    school.work("s005", 8)

    found = school.get("students/s001/activity", course="5a", **SPAN)
    by_day = school.get("students/s001/activity", course="5a", bucket="1d", **SPAN)

    fields = ("active_days", "course_low", "course_median", "course_high", "course_students")
    assert figures(found, *fields) == [(2, 1, 2, 2, 5), (1, None, None, None, None)]
    assert figures(by_day, "active_days", "course_median")[:3] == [(1, 1), (1, 1), (0, 0)]


def test_days_outside_of_an_enrolment_do_not_count(school: ClassSchool) -> None:
    for student in STUDENTS:
        school.work(student, 7, 8)
    span: dict[str, Any] = {"from": str(FIRST), "until": str(FIRST + timedelta(days=8))}

    found = school.get("students/s002/activity", course="5a", bucket="1d", **span)

    # The fifth student has left by the eighth day.
    assert figures(found, "course_students", "course_median")[6:] == [
        (5, 0),
        (None, None),
        (None, None),
    ]


def test_activity_in_a_class_without_events_is_unknown(school: ClassSchool) -> None:
    found = school.get("students/s001/activity", course="5a", **SPAN)

    assert set(figures(found, "active_days", "course_students")) == {(None, None)}


def test_marks_of_a_class_are_the_work_of_its_students(school: ClassSchool) -> None:
    school.mark("s001", 3, 40)
    school.mark("s001", 2, 90, "Physics")
    school.mark("s001", 4, 10, "Art")
    school.mark("s002", 4, 10)

    found = school.get("students/s001/submissions", course="5a")

    fields = ("title", "submitted_on", "percentage", "state", "type", "due_on")
    handed_in = ("handed_in", None, None)
    assert figures(found, *fields) == [
        ("Physics", str(FIRST + timedelta(days=2)), 90, *handed_in),
        ("Math", str(FIRST + timedelta(days=3)), 40, *handed_in),
    ]
    assert school.get("courses/5a/assessments") == {"items": [], "next": None}
    assert school.get("students/s001/submissions", course="5b")["items"] == []


def test_freshness_of_a_class_has_marks_and_enrolments(school: ClassSchool) -> None:
    for day in range(5):
        school.mark("s001", day, 40)
    school.mark("s005", 8, 40)
    school.mark("s001", 9, 40, "Art")

    items = school.get("freshness")["items"]
    found = {(one["course"], one["kind"]): one for one in items}

    marks, enrolments = found["5a", "marks"], found["5a", "enrolments"]
    assert datetime.fromisoformat(marks["last_occurred_at"]) == NOON + days(4)
    assert (marks["is_stale"], marks["last_received_at"]) == (True, None)
    assert enrolments["last_occurred_at"][:10] == str(FIRST)
    assert found["5b", "marks"]["last_occurred_at"] is None


def test_changes_of_a_class_are_listed_until_it_ends(school: ClassSchool) -> None:
    for week in (0, 1):
        for at, student in enumerate(STUDENTS):
            as_of = NOON + days(7 * week)
            school.dropout.predictions.add(None, student, "SILENT", at / 10, as_of=as_of)

    [listed] = school.get("changes", top=2)["items"]

    assert listed == school.get("courses/5a/changes", top=2)
    assert [one["student_id"] for one in listed["stayed"]] == ["s004", "s003"]


def test_a_class_with_places_has_those_of_its_present_students(school: ClassSchool) -> None:
    for week, order in enumerate((STUDENTS, STUDENTS[::-1])):
        as_of = NOON + days(7 * week)
        for at, student in enumerate(order):
            id_ = f"{student}-{week}"
            school.dropout.predictions.add(
                id_, student, "SILENT", 0.9 - at / 10, as_of=as_of, course="5a"
            )
            places = {"course_rank": at + 1, "course_ranked": 5, "is_class": True}
            with school.dropout.database.unit_of_work() as session:
                become_owner(session)
                change = update(DropoutPrediction).where(DropoutPrediction.id == id_)
                session.execute(change.values(**places))

    found = school.get("courses/5a/changes", top=2)

    fields = ("student_id", "place", "place_before")
    entered, left = (
        [tuple(one[f] for f in fields) for one in found[k]] for k in ("entered", "left")
    )
    # The student of the first place has left the class.
    assert entered == [("s004", 2, 4)]
    assert left == [("s001", 5, 1), ("s002", 4, 2)]
    assert (found["is_class"], found["ranked"]) == (True, 5)
    assert school.get("changes", top=2)["items"] == [found]
