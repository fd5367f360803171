"""Restricted students in dropout, which reads them from staffstuddash: PostgreSQL only."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from dropout_service.database.predictions.batch_result import BatchResult
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import CourseOutcome
from dropout_service.errors import StudentRestricted
from dropout_service.models import Course, Enrolment
from shared_db.connection.database import Database
from tests.support.class_schools import AS_OF, ClassSchool, opened_class_school
from tests.support.factories import NOON

DAYS = range(60, 80, 2)


@pytest.fixture
def school(postgres: Database) -> Iterator[ClassSchool]:
    """Give a school with s001 and s002 in class 5a, both with events and predictions."""
    with opened_class_school(postgres) as school:
        for student in ("s001", "s002"):
            school.enrol((None, None), student=student)
            school.work(student, *DAYS)
            school.post(f"{student}/features")
            school.post(f"{student}/predictions", id=f"before-{student}")
        yield school


def restrict(school: ClassSchool, student_id: str = "s001") -> None:
    school.datastore.restrictions.put(student_id, "objection", actor="office")


def lift(school: ClassSchool) -> None:
    school.datastore.restrictions.lift("s001", actor="office")


def listed(school: ClassSchool, path: str) -> list[str]:
    return [row["student_id"] for row in school.get(path)["items"]]


def published(school: ClassSchool, view: str = "published_risk") -> set[str]:
    query = text(f"SELECT student_id FROM dropout.{view}")
    with school.dropout.database.reading() as session:
        return set(session.scalars(query))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("s001/features", {}),
        ("s001/features", {"course": "5a"}),
        ("s001/predictions", {}),
        ("s001/predictions", {"course": "5a"}),
        ("s001/predictions", {"id": "before-s001"}),
    ],
)
def test_single_requests_are_refused_with_the_reason(
    school: ClassSchool, path: str, body: dict[str, Any]
) -> None:
    restrict(school)

    problem = school.post(path, status=409, **body)

    assert problem["type"] == "urn:veritas:problem:student-restricted"
    assert problem["title"] == "The student is not assessed on request"


@pytest.mark.parametrize(
    "path", ["predictions", "predictions/latest", "features", "features/latest"]
)
def test_earlier_rows_are_kept_and_answered_with_the_reason(school: ClassSchool, path: str) -> None:
    before = school.get(f"students/s001/{path}")
    restrict(school)
    problem = school.get(f"students/s001/{path}", status=409)
    lift(school)

    assert "not assessed on request" in problem["detail"]
    assert school.get(f"students/s001/{path}") == before


@pytest.mark.parametrize("path", ["predictions", "predictions?course=5a", "courses/5a/risks"])
def test_a_restricted_student_leaves_the_lists(school: ClassSchool, path: str) -> None:
    before = listed(school, path)
    restrict(school)
    during = listed(school, path)
    lift(school)

    assert sorted(before) == ["s001", "s002"]
    assert during == ["s002"]
    assert listed(school, path) == before


@pytest.mark.parametrize("view", ["published_course_risks", "published_places"])
def test_the_published_risks_of_courses_leave_a_restricted_student_out(
    school: ClassSchool, view: str
) -> None:
    for student in ("s001", "s002"):
        school.post(f"{student}/predictions", course="5a")
    with school.dropout.database.unit_of_work() as session:
        session.execute(
            text("UPDATE dropout.dropout_predictions SET course_rank = 1, course_ranked = 2")
        )
    before = published(school, view)
    restrict(school)

    assert (before, published(school, view)) == ({"s001", "s002"}, {"s002"})


@pytest.mark.parametrize("path", ["courses/5a/changes", "changes?course__in=5a"])
def test_a_restricted_student_is_not_near_the_top(school: ClassSchool, path: str) -> None:
    def named() -> set[str]:
        answer = school.get(path)
        [changes] = answer.get("items", [answer])
        return {one["student_id"] for one in changes["stayed"]}

    before = named()
    restrict(school)

    assert (before, named()) == ({"s001", "s002"}, {"s002"})


def test_the_summary_and_the_published_risk_leave_a_restricted_student_out(
    school: ClassSchool,
) -> None:
    for student in ("s001", "s002"):
        school.dropout.feedback.add(f"before-{student}", "accepted")
    at = AS_OF.isoformat()
    before = school.get("analytics/summary", at=at)["standings"][0]["predicted"]
    restrict(school)
    after = school.get("analytics/summary", at=at)["standings"][0]["predicted"]

    assert (before, after, published(school)) == (2, 1, {"s002"})
    verdicts = school.dropout.feedback.count().by_type.values()
    assert sum(count for by_verdict in verdicts for count in by_verdict.values()) == 1


def test_predictions_and_features_made_elsewhere_are_refused(school: ClassSchool) -> None:
    restrict(school)

    with pytest.raises(StudentRestricted):
        school.dropout.save_prediction("given", "s001", "SILENT", 0.5)
    with pytest.raises(StudentRestricted):
        school.dropout.save_feature_set("given", "s001", {"events": 1})


def by_rules(school: ClassSchool) -> BatchResult:
    return school.dropout.batch_predictions.predict_by_rules(AS_OF)


def test_batches_skip_and_count_restricted_students(school: ClassSchool) -> None:
    restrict(school)
    done = by_rules(school)
    of_class = school.dropout.batch_predictions.assess_class("5a", AS_OF)
    lift(school)
    again = by_rules(school)

    assert of_class is not None
    assert done.restricted == {"s001"}
    assert of_class.restricted == {"s001"}
    assert of_class.students.keys() == {"s002"}
    assert "s001" not in of_class.not_assessable
    assert (done.stored, again.stored, len(again.restricted)) == (1, 1, 0)


def test_events_and_marks_of_a_restricted_student_are_stored(school: ClassSchool) -> None:
    restrict(school)
    before = len(school.dropout.events.search("s001").items)
    school.work("s001", 79)
    school.mark("s001", 79, 40)
    lift(school)

    assert len(school.dropout.events.search("s001").items) == before + 1
    assert len(school.datastore.assessments.search_by_student("s001").items) == 1


def test_a_former_id_is_restricted_before_dropout_follows_the_merge(school: ClassSchool) -> None:
    restrict(school)
    school.datastore.merging.merge("s002", "s001")

    school.post("s002/predictions", status=409)
    assert listed(school, "predictions") == []
    school.dropout.merging.follow()
    school.post("s001/predictions", status=409)


def test_training_sets_have_no_restricted_student(school: ClassSchool) -> None:
    with school.dropout.database.unit_of_work() as session:
        named = {"id": "art-1", "module": "art", "presentation": "1", "digest": b"0"}
        session.add(Course(starts_on=NOON.date().replace(year=2013), length_days=60, **named))
        session.flush()
        session.add_all(
            Enrolment(
                id=f"art-{student}",
                student_id=student,
                course_id="art-1",
                outcome=CourseOutcome.PASS,
                digest=b"0",
            )
            for student in ("s001", "s002")
        )
    before = school.dropout.training_sets.get_rows(28, ["art-1"], Target.WITHDRAWN)
    restrict(school)
    after = school.dropout.training_sets.get_rows(28, ["art-1"], Target.WITHDRAWN)

    assert before["student_id"].tolist() == ["s001", "s002"]
    assert after["student_id"].tolist() == ["s002"]
