"""Students whose rows wait in a spool, and one whose equal rows are stored."""

from typing import Any

from sqlalchemy import select

from dropout_service.database import SPOOLABLE_TYPES, DropoutDatabaseManager, EventToStore
from dropout_service.database.events.store import EVENT
from dropout_service.domain.enums import EventType
from dropout_service.models import Course, DropoutPrediction, Enrolment, FeatureSet
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from tests.support.databases import engine_on
from tests.support.factories import NOON, days

AS_OF = NOON + days(40)
DIFFERENT_COLUMNS = {"id", "student_id", "digest", "created_at", "is_latest", "is_overall"}
STUDENTS = ("ada", "bob", "twin")


def manager_with_waiting_rows(url: str, spool: Spool) -> DropoutDatabaseManager:
    """Return a manager with a spool. The first weeks of ada, bob and twin are stored.

    The last three days of twin are stored, too; the same three days of ada wait.
    """
    manager = manager_on(url, spool)
    manager.events.add_many(
        [*(one for id_ in STUDENTS for one in events(id_, 0, 4, 8, 12)), *late_events("twin")]
    )
    wait_in(spool, *late_events("ada"))
    return manager


def manager_on(url: str, spool: Spool) -> DropoutDatabaseManager:
    manager = DropoutDatabaseManager(Database.for_bind(engine_on(url)))
    manager.spool.attach(spool)
    return manager


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
    spool.append([EVENT.entry(one) for one in waiting])


def replay(manager: DropoutDatabaseManager, spool: Spool) -> None:
    SpoolReplayer(manager.database, spool, manager, SPOOLABLE_TYPES).replay_all()
    assert spool.state().waiting == 0


def predictions(manager: DropoutDatabaseManager, student: str) -> list[DropoutPrediction]:
    """Return the student's predictions in the order of their creation."""
    of_student = DropoutPrediction.student_id == student
    query = select(DropoutPrediction).where(of_student).order_by(DropoutPrediction.created_at)
    with manager.database.reading() as session:
        return list(session.scalars(query))


def content(row: DropoutPrediction | FeatureSet) -> dict[str, Any]:
    """Return the columns of a row that do not depend on its student and id."""
    return {
        column.key: getattr(row, column.key)
        for column in row.__table__.columns
        if column.key not in DIFFERENT_COLUMNS
    }


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
