"""Merge of two ids of one student in dropout, on both stores."""

from datetime import date
from typing import Any

from sqlalchemy import select

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import (
    Course,
    Coursework,
    Enrolment,
    EnrolmentBackground,
    ResourceUse,
    Submission,
)
from tests.contract.test_rollup import rebuilt, rollup
from tests.support.factories import NOON, days
from tests.support.merging import answers_and_views
from tests.support.waiting_rows import content, predictions

AS_OF = NOON + days(20)


def uses(manager: DropoutDatabaseManager, student_id: str) -> set[tuple[object, ...]]:
    row = ResourceUse
    query = select(row.course, row.resource_type, row.first_day)
    with manager.database.reading() as session:
        return {tuple(r) for r in session.execute(query.where(row.student_id == student_id))}


def without_student(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "student_id"} for row in rows]


def test_rollups_are_those_of_all_events(db_manager: DropoutDatabaseManager) -> None:
    db_manager.events.add_many(answers_and_views("old", range(0, 60, 2)))
    db_manager.events.add_many(answers_and_views("new", range(1, 60, 2)))
    db_manager.events.add_many(answers_and_views("whole", range(60)))

    report = db_manager.merging.merge("old", "new")

    assert report.moved["learning_events"] == 30
    assert report.conflicts["daily_activity"] > 0
    assert report.recomputed["daily_activity"] == len(rollup(db_manager, "new"))
    assert rollup(db_manager, "old") == []
    expected = without_student(rollup(db_manager, "whole"))
    assert without_student(rollup(db_manager, "new")) == expected
    assert without_student(rebuilt(db_manager, "new")) == expected
    assert uses(db_manager, "new") == uses(db_manager, "whole")
    attempts = [
        [(one.question_id, one.attempt) for one in db_manager.events.search_attempts(id_).items]
        for id_ in ("new", "whole")
    ]
    assert attempts[0] == attempts[1]


def test_events_after_a_merge_continue_the_rollup(db_manager: DropoutDatabaseManager) -> None:
    db_manager.events.add_many(answers_and_views("old", range(0, 20, 2)))
    db_manager.events.add_many(answers_and_views("whole", range(0, 20, 2)))
    db_manager.merging.merge("old", "new")
    for sender in ("old", "new", "whole"):
        numbers = {"old": range(1, 20, 4), "new": range(3, 20, 4), "whole": range(1, 20, 2)}
        db_manager.events.add_many(answers_and_views(sender, numbers[sender], f"late {sender}"))

    new, whole = (without_student(rollup(db_manager, id_)) for id_ in ("new", "whole"))
    assert new == whole


def test_features_and_predictions_are_recomputed(db_manager: DropoutDatabaseManager) -> None:
    for student_id, numbers in {
        "old": range(0, 60, 2),
        "new": range(1, 60, 2),
        "whole": range(60),
    }.items():
        db_manager.events.add_many(answers_and_views(student_id, numbers))
        db_manager.assessments.add(student_id, "quiz", "Math", 50, submitted_at=NOON)
        if student_id != "whole":
            prediction = db_manager.predictions.predict(student_id, as_of=AS_OF)
            db_manager.features.compute(student_id, as_of=AS_OF)
            db_manager.feedback.add(prediction.id, "accepted")
    db_manager.assessments.add("whole", "quiz", "Math", 50, submitted_at=NOON)

    report = db_manager.merging.merge("old", "new")
    done = db_manager.recomputing.run(), db_manager.recomputing.run()

    assert report.conflicts["dropout_predictions"] == 1
    assert report.recomputed["dropout_predictions"] == report.recomputed["feature_sets"] == 1
    assert done == (2, 0)
    expected = db_manager.predictions.predict("whole", as_of=AS_OF)
    assert content(db_manager.predictions.get_latest("new")) == content(expected)
    features = db_manager.features.compute("whole", as_of=AS_OF)
    assert db_manager.features.get_latest("new").features == features.features
    assert len(predictions(db_manager, "new")) == 3
    overall = [row.student_id for row in db_manager.predictions.search().items]
    assert sorted(overall) == ["new", "whole"]


def test_results_from_elsewhere_are_not_recomputed(db_manager: DropoutDatabaseManager) -> None:
    for student_id, score in {"old": 0.9, "new": 0.2}.items():
        db_manager.predictions.add(None, student_id, "COGNITIVE", score, as_of=AS_OF, version="x")
        db_manager.features.add(None, student_id, {"clicks": 1}, as_of=AS_OF)

    report = db_manager.merging.merge("old", "new")

    assert (report.recomputed["dropout_predictions"], report.recomputed["feature_sets"]) == (0, 0)
    assert db_manager.recomputing.run() == 0
    assert db_manager.predictions.get_latest("new").risk_score == 0.2
    assert len(db_manager.predictions.search_student("new").items) == 2
    assert len(db_manager.features.search("new").items) == 2


def test_the_later_prediction_of_a_course_is_the_latest(db_manager: DropoutDatabaseManager) -> None:
    at = {"old": AS_OF + days(1), "new": AS_OF}
    for student_id, course, score in (
        ("old", "a", 0.3),
        ("new", "a", 0.9),
        ("old", "b", 0.6),
        ("new", "c", 0.1),
    ):
        db_manager.predictions.add(
            None, student_id, "COGNITIVE", score, as_of=at[student_id], course=course, version="x"
        )

    db_manager.merging.merge("old", "new")

    latest = {
        course: db_manager.predictions.get_latest("new", course=course).risk_score
        for course in "abc"
    }
    assert latest == {"a": 0.3, "b": 0.6, "c": 0.1}
    assert db_manager.predictions.get_latest("new").risk_score == 0.6


def enrol(manager: DropoutDatabaseManager, student_id: str, **values: Any) -> None:
    """Enrol a student in course `both` with two submissions, and in one of their own."""
    with manager.database.unit_of_work() as session:
        named = {"module": "M", "presentation": "P", "digest": b"0", "length_days": 100}
        for course in ("both", student_id):
            if session.get(Course, course) is None:
                session.add(Course(id=course, starts_on=date(2026, 3, 1), **named))
        for work in ("both", f"of {student_id}"):
            if session.get(Coursework, work) is None:
                session.flush()
                session.add(
                    Coursework(
                        id=work,
                        course_id="both",
                        type="TMA",
                        weight=10,
                        is_exam=False,
                        digest=b"0",
                    )
                )
    manager.students.add(student_id)
    with manager.database.unit_of_work() as session:
        for course in ("both", student_id):
            id_ = f"{course}-{student_id}"
            session.add(
                Enrolment(id=id_, student_id=student_id, course_id=course, digest=b"0", **values)
            )
            session.flush()
            session.add(EnrolmentBackground(enrolment_id=id_, region=student_id))
        for work in ("both", f"of {student_id}"):
            session.add(
                Submission(
                    id=f"{work}-{student_id}",
                    coursework_id=work,
                    enrolment_id=f"both-{student_id}",
                    submitted_day=3,
                    score=70 if student_id == "old" else None,
                    is_banked=False,
                    digest=b"0",
                )
            )


def test_enrolments_of_one_course_become_one(db_manager: DropoutDatabaseManager) -> None:
    enrol(db_manager, "old", registered_day=-9, unregistered_day=50, credits=60)
    enrol(db_manager, "new", registered_day=49)

    report = db_manager.merging.merge("old", "new")

    assert (report.conflicts["enrolments"], report.conflicts["submissions"]) == (1, 1)
    with db_manager.database.reading() as session:
        found = {one.id: one for one in session.scalars(select(Enrolment))}
        assert set(found) == {"both-new", "new-new", "old-old"}
        assert {one.student_id for one in found.values()} == {"new"}
        kept = found["both-new"]
        assert (kept.registered_day, kept.unregistered_day, kept.credits) == (-9, None, 60)
        submissions = {one.id: one for one in session.scalars(select(Submission))}
        assert set(submissions) == {"both-new", "of new-new", "of old-old"}
        assert {one.enrolment_id for one in submissions.values()} == {"both-new"}
        assert submissions["both-new"].score == 70
        backgrounds = session.scalars(select(EnrolmentBackground)).all()
        assert {(one.enrolment_id, one.region) for one in backgrounds} == {
            ("both-new", "new"),
            ("new-new", "new"),
            ("old-old", "old"),
        }


def test_name_and_email_are_filled_in(db_manager: DropoutDatabaseManager) -> None:
    db_manager.students.add("old", "Ada", "ada@school.example")
    db_manager.events.add(None, "new", None, "NAVIGATION")
    db_manager.students.add("third", "Ada Lovelace")

    db_manager.merging.merge("old", "new")
    filled = db_manager.students.get("new")
    db_manager.merging.merge("new", "third")
    kept = db_manager.students.get("third")

    assert (filled.name, filled.email) == ("Ada", "ada@school.example")
    assert (kept.name, kept.email) == ("Ada Lovelace", "ada@school.example")
