"""Features and predictions made while rows of the student wait say so, and are made again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from dropout_service.database import KINDS, DropoutDatabaseManager, EventToStore
from dropout_service.database.enrolment_predictions import named_row
from dropout_service.database.events import EVENT
from dropout_service.domain.kinds import EventType
from dropout_service.domain.targets import Target
from dropout_service.errors import PredictionNotFound
from dropout_service.models import Course, DropoutPrediction, Enrolment, FeatureSet
from shared_db.database import Database
from shared_db.giving import Giver
from shared_db.spool import Spool
from tests.factories import NOON, days
from tests.learned import trained
from tests.stores import engine_on

AS_OF = NOON + days(40)
WHAT_DIFFERS = {"id", "student_id", "digest", "created_at", "is_latest", "is_overall"}
STUDENTS = ("ada", "bob", "twin")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def manager(private_url: str, spool: Spool) -> DropoutDatabaseManager:
    """Give a manager that would spool. Of ada, bob and twin the first weeks are stored.

    The last three days of twin are stored, too; the same three of ada wait.
    """
    manager = manager_on(private_url, spool)
    manager.add_learning_events(
        [*(one for id_ in STUDENTS for one in events(id_, 0, 4, 8, 12)), *late_events("twin")]
    )
    wait_in(spool, *late_events("ada"))
    return manager


def manager_on(url: str, spool: Spool) -> DropoutDatabaseManager:
    database = Database.on(engine_on(url))
    database.use_spool(spool)
    return DropoutDatabaseManager(database)


def events(student: str, *on_days: int, course: str = "math") -> list[EventToStore]:
    return [
        EventToStore(
            student,
            EventType.RESOURCE_VIEW,
            id=f"{student}-{day}",
            course=course,
            occurred_at=NOON + days(day),
            accepted_at=AS_OF,
        )
        for day in on_days
    ]


def late_events(student: str) -> list[EventToStore]:
    return events(student, 31, 35, 39)


def wait_in(spool: Spool, *waiting: EventToStore) -> None:
    spool.accept([EVENT.entry(one) for one in waiting])


def replay(manager: DropoutDatabaseManager, spool: Spool) -> None:
    Giver(manager.database, spool, manager, KINDS).give()
    assert spool.state().waiting == 0


def predictions(manager: DropoutDatabaseManager, student: str) -> list[DropoutPrediction]:
    """Return the student's predictions in the order in which they were made."""
    of_student = DropoutPrediction.student_id == student
    query = select(DropoutPrediction).where(of_student).order_by(DropoutPrediction.created_at)
    with manager.database.reading() as session:
        return list(session.scalars(query))


def content(row: DropoutPrediction | FeatureSet) -> dict[str, Any]:
    """Return what a row says, whoever it is of and however it is named."""
    return {
        column.key: getattr(row, column.key)
        for column in row.__table__.columns
        if column.key not in WHAT_DIFFERS
    }


def test_a_prediction_says_what_waits_and_is_made_again_from_all(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    early = manager.predict("ada", as_of=AS_OF, prediction_id="early")
    twin, bob = manager.predict("twin", as_of=AS_OF), manager.predict("bob", as_of=AS_OF)
    manager.add_feedback("early", "incorrectly_flagged")
    too_soon = manager.recompute()
    replay(manager, spool)
    done = manager.recompute(), manager.recompute()

    assert (early.pending_rows, twin.pending_rows, bob.pending_rows) == (3, 0, 0)
    assert early.risk_score > twin.risk_score
    assert (too_soon, done) == (0, (1, 0))
    latest = manager.get_latest_prediction("ada")
    assert content(latest) == content(twin)
    assert [row.id for row in predictions(manager, "ada")] == ["early", latest.id]
    assert len(manager.get_feedback("early").items) == 1
    assert manager.get_feedback(latest.id).items == []
    repeated = manager.predict("ada", as_of=AS_OF, prediction_id="early")
    assert (repeated.is_repeat, repeated.pending_rows) == (True, 3)
    # Also where ids of the same instant are compared: "early" comes after the new one.
    overall = manager.get_summary(AS_OF, days=1, periods=1).standings[0]
    assert overall.levels == {**dict.fromkeys(overall.levels, 0), bob.risk_level: 1} | {
        latest.risk_level: 2
    }


def test_features_say_it_and_the_new_ones_are_the_latest(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    early = manager.compute_features("ada", as_of=AS_OF, feature_set_id="zzz")
    twin = manager.compute_features("twin", as_of=AS_OF)
    replay(manager, spool)
    done = manager.recompute(), manager.recompute()
    latest = manager.get_latest_features("ada")

    assert (early.pending_rows, twin.pending_rows, done) == (3, 0, (1, 0))
    assert early.features != twin.features
    assert content(latest) == content(twin)
    assert {one.id for one in manager.get_student_features("ada")} == {"zzz", latest.id}


def test_a_cohort_says_it_of_each(manager: DropoutDatabaseManager, spool: Spool) -> None:
    done = manager.predict_batch(AS_OF)
    pending = {row.student_id: row.pending_rows for row in manager.get_predictions()}
    replay(manager, spool)
    again = manager.recompute()

    assert (done.stored, done.incomplete) == (3, 1)
    assert pending == {"ada": 3, "bob": 0, "twin": 0}
    assert again == 1
    latest = {row.student_id: content(row) for row in manager.get_predictions()}
    assert latest["ada"] == latest["twin"] != latest["bob"]


def test_processes_at_once_make_each_once(
    manager: DropoutDatabaseManager, private_url: str, spool: Spool
) -> None:
    wait_in(spool, *late_events("bob"))
    for student in ("ada", "bob"):
        manager.compute_features(student, as_of=AS_OF)
        for back in range(5):
            manager.predict(student, as_of=AS_OF - days(back))
    replay(manager, spool)
    others = [manager_on(private_url, spool) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda other: other.recompute(), others))

    assert sum(done) == 12
    assert len(predictions(manager, "ada")) == 10
    assert len(manager.get_student_features("bob").items) == 2
    assert {row.pending_rows for row in manager.get_predictions()} == {0}


def test_what_was_not_the_latest_stays_so(manager: DropoutDatabaseManager, spool: Spool) -> None:
    manager.predict("ada", as_of=AS_OF - days(1), prediction_id="earlier")
    manager.predict("ada", as_of=AS_OF, prediction_id="replaced")
    manager.save_prediction("given", "ada", "SILENT", 0.9, as_of=AS_OF)
    change = update(DropoutPrediction).where(DropoutPrediction.id == "earlier")
    with manager.database.unit_of_work() as session:
        session.execute(change.values(obsolete_from=AS_OF - days(1)))
    replay(manager, spool)

    assert manager.recompute() == 2
    assert manager.get_latest_prediction("ada").id == "given"
    made = predictions(manager, "ada")[3:]
    assert [(row.as_of, row.obsolete_from) for row in sorted(made, key=lambda row: row.as_of)] == [
        (AS_OF - days(1), AS_OF - days(1)),
        (AS_OF, None),
    ]


def test_what_turns_out_not_to_be_assessable_tells_nothing_any_more(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    manager.predict("ada", as_of=AS_OF)
    enrol(manager, "math", 20, "ada")
    replay(manager, spool)

    assert (manager.recompute(), manager.recompute()) == (1, 0)
    assert len(predictions(manager, "ada")) == 1
    with pytest.raises(PredictionNotFound):
        manager.get_latest_prediction("ada")
    assert manager.get_summary(AS_OF, days=1, periods=1).standings[0].predicted == 0


def enrol(manager: DropoutDatabaseManager, course: str, length: int, *students: str) -> None:
    """Store a course with a stream of activity, and its students."""
    named = {"module": course, "presentation": "2026J", "digest": b"0"}
    dates = {"starts_on": NOON.date(), "length_days": length}
    with manager.database.unit_of_work() as session:
        session.add(Course(id=course, activity_from=0, activity_until=length, **named, **dates))
        session.flush()
        for id_ in students:
            ids = {"id": f"{course}-{id_}", "student_id": id_, "course_id": course}
            session.add(Enrolment(registered_day=-5, **ids, digest=b"0"))


@pytest.fixture
def enrolled(manager: DropoutDatabaseManager) -> DropoutDatabaseManager:
    """Enrol the students in a course that runs, which a model judges."""
    enrol(manager, "math", 200, *STUDENTS)
    manager.save_model(trained(), Target.WITHDRAWN, {})
    return manager


def test_a_model_predicts_again_by_the_course(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    manager = enrolled
    alone = manager.predict("ada", as_of=AS_OF)
    assessed = manager.assess_course("math", AS_OF)
    assert assessed is not None
    batch = manager.store_assessments(assessed, assessed.enrolments)
    replay(manager, spool)
    complete = manager.assess_course("math", AS_OF)
    assert complete is not None
    # The model that predicted predicts again, though it is not the one that is active by now.
    with manager.database.unit_of_work() as session:
        session.execute(update(type(manager.get_model(alone.version))).values(is_active=False))
    done = manager.recompute(), manager.recompute()
    latest = manager.get_latest_prediction("ada", course="math")
    expected = named_row(complete, "ada", dict(complete.enrolments)["ada"])

    assert (alone.pending_rows, batch.incomplete, done) == (3, 1, (2, 0))
    assert (alone.version, alone.base_log_odds is None) == (assessed.version, False)
    assert content(latest) == content(expected)
    assert latest.risk_score < alone.risk_score
    assert (latest.pending_rows, latest.version) == (0, alone.version)


def test_without_its_model_the_rules_predict_again(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    alone = enrolled.predict("ada", as_of=AS_OF)
    replay(enrolled, spool)
    with enrolled.database.unit_of_work() as session:
        session.delete(enrolled.get_model(alone.version))
    by_rules = enrolled.predict("twin", as_of=AS_OF, course="math")

    assert enrolled.recompute() == 1
    assert content(enrolled.get_latest_prediction("ada", course="math")) == content(by_rules)


def test_one_that_cannot_be_computed_does_not_hold_up_the_others(
    manager: DropoutDatabaseManager, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    wait_in(spool, *late_events("bob"))
    for student in ("ada", "bob"):
        manager.predict(student, as_of=AS_OF, prediction_id=student)
    replay(manager, spool)
    trigger = """
        CREATE FUNCTION dropout.object() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not of ada' USING ERRCODE = 'P0001'; END $$;
        CREATE TRIGGER object BEFORE INSERT ON dropout.dropout_predictions
        FOR EACH ROW WHEN (NEW.student_id = 'ada') EXECUTE FUNCTION dropout.object();
    """
    with manager.database.unit_of_work() as session:
        session.connection().exec_driver_sql(trigger)

    assert manager.recompute() == 1
    assert manager.get_latest_prediction("bob").id != "bob"
    assert manager.get_latest_prediction("ada").id == "ada"
    assert "something is computed again later" in caplog.text
    assert "ada" not in caplog.text


def test_an_unreadable_spool_leaves_it_unknown(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "damaged.db").write_bytes(b"no database" * 1000)
    spool = Spool(tmp_path / "damaged.db")
    manager = manager_on(private_url, spool)
    manager.add_learning_events(events("ada", 0, 4, 30))
    alone, features = manager.predict("ada", as_of=AS_OF), manager.compute_features("ada")
    batch = manager.predict_batch(AS_OF)
    spool.close()

    assert manager.recompute() == 0
    assert (alone.pending_rows, features.pending_rows) == (None, None)
    assert [row.pending_rows for row in manager.get_predictions()] == [None]
    assert (batch.stored, batch.incomplete) == (1, 0)
    assert "the spool cannot be used" in caplog.text
