"""Predictions of a class, with ranks; they are never the overall ones."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from dropout_service.models import Course, DropoutPrediction, FeatureSet
from shared_db.connection.database import Database
from tests.support.class_schools import AS_OF, FIRST, TODAY, ClassSchool, opened_class_school
from tests.support.factories import NOON
from tests.support.rosters import an_enrolment, outcomes


@pytest.fixture
def school(postgres: Database) -> Iterator[ClassSchool]:
    """Give a school with the classes 5a and 5b, and the students s001 to s004."""
    with opened_class_school(postgres) as opened:
        yield opened


def a_year(school: ClassSchool) -> None:
    """Store three students of 5a: s001 falls silent, s002 and s003 go on."""
    for student, last in (("s001", 55), ("s002", 80), ("s003", 80)):
        school.enrol((0, None), student=student)
        school.work(student, *range(0, last, 2))


def predict_class(school: ClassSchool, course: str = "5a") -> int:
    """Predict a class as `veritas predict --course` does; return the number of stored rows."""
    batch = school.dropout.batch_predictions
    assessed = batch.assess_class(course, AS_OF)
    assert assessed is not None
    stored = batch.add_class_assessments([(assessed, id_) for id_ in assessed.students]).stored
    batch.supersede_outdated(AS_OF, course)
    return stored


def listed(
    school: ClassSchool, path: str, **query: Any
) -> list[tuple[str, str | None, int | None]]:
    rows = school.get(path, **query)["items"]
    return [(row["student_id"], row["course"], row["course_rank"]) for row in rows]


def test_a_class_lists_its_own_predictions_with_ranks(school: ClassSchool) -> None:
    a_year(school)
    for student in ("s001", "s002", "s003"):
        school.post(f"{student}/predictions")
    assert {course for _, course, _ in listed(school, "courses/5a/risks")} == {None}

    assert predict_class(school) == 3
    assert predict_class(school) == 0

    expected = [("s001", "5a", 1), ("s003", "5a", 2), ("s002", "5a", 2)]
    for found in (
        listed(school, "courses/5a/risks"),
        listed(school, "predictions", course="5a"),
    ):
        assert found[0] == expected[0]
        assert sorted(found) == sorted(expected)
    row = school.get("students/s001/predictions/latest", course="5a")
    assert (row["is_class"], row["course_rank"], row["course_ranked"]) == (True, 1, 3)
    alone = school.post("s001/predictions", course="5a")
    for name in ("risk_score", "course_rank", "course_ranked", "primary_indicators"):
        assert alone[name] == row[name]
    history = school.get("students/s001/predictions", course="5a")["items"]
    assert {one["id"] for one in history} == {row["id"], alone["id"]}


def test_a_leaver_goes_off_the_list_of_the_class(school: ClassSchool) -> None:
    a_year(school)
    predict_class(school)
    outcomes(
        school.datastore,
        an_enrolment("s001-0", valid_from=FIRST, valid_to=TODAY - timedelta(days=1)),
    )

    assert {student for student, *_ in listed(school, "courses/5a/risks")} == {"s002", "s003"}
    assert school.get("students/s001/predictions/latest", course="5a")
    assert predict_class(school) == 2  # others are ranked now
    assert school.get("students/s001/predictions/latest", 404, course="5a")
    assert {rank for *_, rank in listed(school, "courses/5a/risks")} == {1}


def test_students_erased_meanwhile_are_left_out(school: ClassSchool) -> None:
    a_year(school)
    batch = school.dropout.batch_predictions
    assessed = batch.assess_class("5a", AS_OF)
    assert assessed is not None
    school.dropout.students.erase("s003")

    added = batch.add_class_assessments([(assessed, id_) for id_ in assessed.students])

    assert (added.students, added.stored) == (3, 2)
    assert {student for student, *_ in listed(school, "courses/5a/risks")} == {"s001", "s002"}


def test_an_imported_course_of_the_same_id_hides_predictions_of_the_class(
    school: ClassSchool,
) -> None:
    a_year(school)
    predict_class(school)
    imported = {"module": "m", "presentation": "1", "starts_on": FIRST, "length_days": 200}
    with school.dropout.database.unit_of_work() as session:
        session.add(Course(id="5a", digest=b"0", **imported))

    assert listed(school, "courses/5a/risks") == []
    assert listed(school, "predictions", course="5a") == []


def test_predictions_of_a_class_are_never_the_overall_ones(school: ClassSchool) -> None:
    a_year(school)
    predict_class(school)
    at = AS_OF.isoformat()

    assert school.get("students/s001/predictions/latest", 404)
    assert listed(school, "predictions") == []
    assert school.get("analytics/summary", at=at)["standings"][0]["predicted"] == 0
    school.work("s001", *range(56, 80), course="chess")
    overall = school.post("s001/predictions")
    in_class = school.get("students/s001/predictions/latest", course="5a")
    assert overall["risk_score"] < in_class["risk_score"]
    assert school.get("students/s001/predictions/latest")["id"] == overall["id"]
    assert listed(school, "predictions") == [("s001", None, None)]
    assert school.get("analytics/summary", at=at)["standings"][0]["predicted"] == 1


def test_incomplete_rows_of_a_class_are_recomputed_in_it(school: ClassSchool) -> None:
    a_year(school)
    predict_class(school)
    school.post("s001/features", course="5a", id="f")
    school.post("s002/features", course="5a", id="of-leaver")
    school.work("s001", 70, 71, 72, 73, 74)
    waiting = {"pending_rows": 5, "pending_on": "gone", "created_at": NOON}
    with school.dropout.database.unit_of_work() as session:
        session.execute(update(FeatureSet).values(waiting))
        is_theirs = DropoutPrediction.student_id == "s001"
        session.execute(update(DropoutPrediction).where(is_theirs).values(waiting))
    outcomes(school.datastore, an_enrolment("s002-0", student_id="s002", valid_to=FIRST))

    assert school.dropout.recomputing.run() == 3
    assert school.dropout.recomputing.run() == 0

    found = school.get("students/s001/features/latest", course="5a")
    assert (found["course"], found["pending_rows"]) == ("5a", 0)
    assert found["features"]["days_since_activity"] == pytest.approx(6)
    assert school.get("students/s002/features/latest", 404, course="5a")
    latest = school.get("students/s001/predictions/latest", course="5a")
    assert (latest["is_class"], latest["pending_rows"]) == (True, 0)
    assert latest["course_ranked"] == 2


def test_a_merge_recomputes_the_features_of_each_class(school: ClassSchool) -> None:
    a_year(school)
    school.post("s001/features", course="5a")
    school.post("s001/features")

    school.dropout.merging.merge("s001", "s004")

    with school.dropout.database.reading() as session:
        rows = session.execute(select(FeatureSet.course, FeatureSet.pending_rows)).all()
    assert {course for course, waiting in rows if waiting} == {"5a", None}
