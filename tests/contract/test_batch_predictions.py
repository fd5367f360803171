"""Batch predictions of a cohort, on both stores."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.predictions.batch_result import BatchResult
from dropout_service.database.predictions.by_rules import rule_values
from dropout_service.database.predictions.insert import insert_predictions
from dropout_service.domain.enums import EventType, RiskLevel
from dropout_service.domain.rules.activity import Activity
from dropout_service.domain.rules.features import features_of
from dropout_service.domain.rules.risk import RULES_VERSION, assess
from dropout_service.errors import CourseNotFound, NotAssessable
from dropout_service.models import Base, Course, Enrolment
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON, days

AS_OF = NOON + days(40)
SILENT_SINCE_LONG = Activity(as_of=AS_OF, first_event_at=NOON, last_event_at=NOON)


def fill(manager: DropoutDatabaseManager) -> None:
    """Store five students of math, silent for 0 to 32 days, and one of art who is new."""
    manager.events.add_many(
        [
            EventToStore(f"s{n}", EventType.NAVIGATION, course="math", occurred_at=NOON + days(day))
            for n in range(5)
            for day in range(0, 41 - 8 * n, 4)
        ]
    )
    manager.events.add(None, "new", None, "NAVIGATION", course="art", occurred_at=AS_OF - days(1))


def predict(
    manager: DropoutDatabaseManager,
    *,
    as_of: datetime = AS_OF,
    course: str | None = None,
    limit: int = 2,
) -> BatchResult:
    done = BatchResult(last="")
    while done.last is not None:
        batch = manager.batch_predictions.predict_by_rules(
            as_of, course=course, after=done.last, limit=limit, keep=3
        )
        done = done.merge(batch, keep=3)
    return done


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_each_student_is_predicted_once(db_manager: DropoutDatabaseManager, limit: int) -> None:
    fill(db_manager)

    done = predict(db_manager, limit=limit)

    assert (done.students, done.stored, done.not_assessable) == (6, 5, 1)
    assert [row.student_id for row in done.highest] == ["s3", "s4", "s2"]
    assert done.examples[0][0] == "new"
    ranked = [row.student_id for row in db_manager.predictions.search().items]
    assert ranked[:3] == ["s3", "s4", "s2"]
    assert len(ranked) == 5


def test_batch_and_single_predictions_are_equal(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager)
    predict(db_manager)

    for row in db_manager.predictions.search().items:
        alone = db_manager.predictions.predict(row.student_id, as_of=AS_OF)
        assert alone.risk_score == row.risk_score
        assert alone.primary_indicators == row.primary_indicators
        assert alone.missing == row.missing


def test_the_cohort_of_a_course_has_its_students_only(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager)

    assert (
        db_manager.batch_predictions.count_students(),
        db_manager.batch_predictions.count_students("math"),
    ) == (6, 5)
    assert predict(db_manager, course="art").stored == 0
    assert predict(db_manager, course="math").stored == 5
    with pytest.raises(CourseNotFound):
        db_manager.batch_predictions.count_students("nothing")


def test_repeating_a_batch_changes_nothing(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager)
    predict(db_manager)
    before = [row.id for row in db_manager.predictions.search().items]

    done = predict(db_manager, limit=4)

    assert (done.stored, done.unchanged) == (0, 5)
    assert [row.id for row in db_manager.predictions.search().items] == before


def test_a_repeated_prediction_becomes_the_latest_again(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager)
    predict(db_manager)
    db_manager.predictions.add("given", "s3", "SILENT", 0.1, as_of=AS_OF)
    assert db_manager.predictions.get_latest("s3").id == "given"

    done = predict(db_manager)

    assert (done.stored, done.unchanged) == (0, 5)
    assert db_manager.predictions.get_latest("s3").version == RULES_VERSION


def test_a_superseded_prediction_is_reactivated_when_repeated(
    db_manager: DropoutDatabaseManager,
) -> None:
    fill(db_manager)
    enrol(db_manager, "math", 200, s3=9)
    predict_by_model(db_manager, "s3", "math")
    db_manager.batch_predictions.supersede_withdrawn("math", AS_OF)
    assert db_manager.analytics.summarize(AS_OF).standings[0].predicted == 0

    predict_by_model(db_manager, "s3", "math")

    assert [row.id for row in db_manager.course_risks.search("math")] == ["by-model"]
    assert db_manager.analytics.summarize(AS_OF).standings[0].predicted == 1


def test_a_prediction_by_a_model_supersedes_the_rules(db_manager: DropoutDatabaseManager) -> None:
    """s2 is enrolled in a running course without a prediction by a model: the rules predict."""
    fill(db_manager)
    predict(db_manager, as_of=AS_OF - days(1))
    enrol(db_manager, "art", 200, s2=None, s3=None)
    predict_by_model(db_manager, "s3", "art")

    done = predict(db_manager)

    assert done.stored == 4
    overall = {row.student_id: row.version for row in db_manager.predictions.search().items}
    assert overall["s3"] == "model-1"
    assert set(overall.values()) == {"model-1", RULES_VERSION}
    assert len(overall) == 5


def predict_by_model(manager: DropoutDatabaseManager, student: str, course: str) -> None:
    """Store a prediction of a low risk, as a model would."""
    assessment = assess(features_of(SILENT_SINCE_LONG))
    named = {"id": "by-model", "digest": b"0", "version": "model-1"}
    risk = {"risk_score": 0.01, "risk_level": RiskLevel.LOW, "base_log_odds": -4.6}
    row = rule_values(student, assessment, AS_OF, course) | named | risk
    with manager.database.unit_of_work() as session:
        insert_predictions(session, [row])


def test_the_latest_instant_stays_the_latest(db_manager: DropoutDatabaseManager) -> None:
    fill(db_manager)
    predict(db_manager)
    predict(db_manager, as_of=AS_OF - days(10))

    assert {row.as_of for row in db_manager.predictions.search().items} == {AS_OF}
    assert [row.as_of for row in db_manager.predictions.search_student("s0").items] == [
        AS_OF,
        AS_OF - days(10),
    ]


def enrol(
    manager: DropoutDatabaseManager,
    course: str,
    length: int,
    *,
    begins: int = 0,
    registered: int | None = None,
    covered_until: int | None = None,
    **left: int | None,
) -> None:
    """Store a course, and the day on which each student left it.

    begins: days after the first of the events. registered: on which day they were.
    covered_until: the last day of its stream of activity, None without one.
    """
    with manager.database.unit_of_work() as session:
        dates = {"starts_on": NOON.date() + days(begins), "length_days": length}
        stream = {"activity_until": covered_until}
        if covered_until is not None:
            stream["activity_from"] = 0
        named = {"module": course, "presentation": "2026J", "digest": b"0"}
        session.add(Course(id=course, **named, **dates, **stream))
        session.flush()
        for student, day in left.items():
            ids = {"id": f"{course}-{student}", "student_id": student, "course_id": course}
            when = {"registered_day": registered, "unregistered_day": day}
            session.add(Enrolment(**ids, **when, digest=b"0"))


def test_a_student_whose_courses_have_all_ended_is_not_assessable(
    db_manager: DropoutDatabaseManager,
) -> None:
    """Inactivity after leaving is no sign of dropout; s3 still has events in math."""
    fill(db_manager)
    enrol(db_manager, "short", 30, s1=None, s2=None)
    enrol(db_manager, "long", 200, s1=None, s3=1, s4=9)
    db_manager.events.add(
        None, "s4", None, "NAVIGATION", course="long", occurred_at=NOON + days(20)
    )

    done = predict(db_manager)

    assert (done.students, done.stored, done.not_assessable) == (6, 3, 3)
    assert {row.student_id for row in done.highest} == {"s0", "s1", "s3"}
    for student, why in {
        "s2": "short, the last course that is known: the course was over on",
        "s4": "long, the last course that is known: the student left the course on its day 9",
    }.items():
        with pytest.raises(NotAssessable, match=why):
            db_manager.predictions.predict(student, as_of=AS_OF)
    assert db_manager.predictions.predict("s2", as_of=NOON + days(29)).student_id == "s2"


def test_without_an_activity_stream_no_student_is_inactive(
    db_manager: DropoutDatabaseManager,
) -> None:
    """s2 and s3 went on to a course without a stream; s3 has an event outside the streams.

    The stream of math ended on day 24, and goes on where s1 is.
    """
    fill(db_manager)
    enrol(db_manager, "math", 200, covered_until=24, s2=20, s3=20, s4=None)
    enrol(db_manager, "dark", 200, s2=None, s3=None)
    enrol(db_manager, "lit", 200, covered_until=100, s1=None)
    db_manager.events.add(None, "s3", None, "NAVIGATION", occurred_at=NOON + days(18))

    done = predict(db_manager)

    assert {row.student_id for row in done.highest} == {"s3", "s1", "s0"}
    for student in ("s2", "s4"):
        features = db_manager.features.compute(student, as_of=AS_OF).features
        assert (features["days_since_activity"], features["events_per_week_recent"]) == (None, None)
        with pytest.raises(NotAssessable, match="no event that tells of now"):
            db_manager.predictions.predict(student, as_of=AS_OF)
    earlier = db_manager.features.compute("s4", as_of=NOON + days(5)).features
    assert earlier["days_since_activity"] == 1
    # Events after the end of the stream count.
    late = AS_OF - days(6)
    db_manager.events.add(None, "s4", None, "NAVIGATION", course="math", occurred_at=late)
    heard = db_manager.features.compute("s4", as_of=AS_OF).features
    assert heard["days_since_activity"] == 6


def test_a_student_between_two_courses_is_not_assessable(
    db_manager: DropoutDatabaseManager,
) -> None:
    """A later course, and a later registration for it, change nothing at the instant."""
    fill(db_manager)
    enrol(db_manager, "math", 20, s1=None, s2=None, s3=None)
    enrol(db_manager, "next", 90, begins=60, registered=50, s1=None)
    enrol(db_manager, "then", 90, begins=60, registered=-5, s2=None)

    for student in ("s1", "s2", "s3"):
        with pytest.raises(NotAssessable, match="math, the last course that is known"):
            db_manager.predictions.predict(student, as_of=AS_OF)


def test_an_empty_cohort_has_no_predictions(db_manager: DropoutDatabaseManager) -> None:
    assert db_manager.batch_predictions.count_students() == 0
    assert predict(db_manager) == BatchResult(last=None)


def test_concurrent_runs_leave_one_latest_prediction_per_student(
    open_own_database: OpenDatabase,
) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))
    fill(manager)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: predict(manager), range(4)))

    assert sum(one.stored for one in done) == 5
    assert sum(one.unchanged for one in done) == 15
    assert len(manager.predictions.search().items) == 5
