"""Python examples of the design document, as its readers would run them, on both stores.

The code is ours; the calls, their arguments and what is done with the results are the document's.
"""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

import dropout_service.database
import monitoring_service.database
import staffstuddash_service.datastore
from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import EventType
from dropout_service.models import LearningEvent
from dropout_service.models import Student as DropoutStudent
from monitoring_service.database import MonitoringDatabase
from monitoring_service.domain.findings import HealthStatus
from shared_db import Database, build_engine
from shared_db.clock import utc_now
from shared_db.errors import NotFound
from shared_db.settings import DatabaseSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base, Student


def test_the_engine_opens_a_fresh_connection_for_each_request() -> None:
    settings = DatabaseSettings(database_url="postgresql://user:secret@host.example/db")

    engine = build_engine(settings, "design")

    assert isinstance(engine.pool, NullPool)
    assert engine.dialect.name == "postgresql"


def test_debug_logs_every_statement_that_is_executed() -> None:
    quiet = DatabaseSettings(database_url="postgresql://host.example/db")
    loud = DatabaseSettings(database_url="postgresql://host.example/db", debug=True)

    assert not build_engine(quiet, "design").echo
    assert build_engine(loud, "design").echo


def test_the_orm_finds_a_student_by_id(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Name", "email")

    session = datastore.get_session()
    student = session.query(Student).filter(Student.id == "s001").first()
    session.close()

    assert student is not None
    assert (student.name, student.email) == ("Name", "email")


def test_raw_sql_with_a_parameter_finds_the_same_student(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Name", "email")

    session = datastore.get_session()
    schema = "staffstuddash." if session.get_bind().dialect.name == "postgresql" else ""
    query = text(f"SELECT name FROM {schema}students WHERE id = :id")
    found = session.execute(query, {"id": "s001"}).scalar_one()
    session.close()

    assert found == "Name"


def test_the_store_without_a_database_says_so() -> None:
    in_memory = DatastoreManager(Database.in_memory(Base.metadata))

    assert in_memory.use_fallback
    assert in_memory.add_student("s001", "Name", "email").id == "s001"


def test_add_student(datastore: DatastoreManager) -> None:
    student = datastore.add_student("s001", "Name", "email")

    assert student.id == "s001"


def test_get_student(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Name", "email")

    student = datastore.get_student("s001")

    assert student.name == "Name"


def test_assessment_workflow(datastore: DatastoreManager) -> None:
    student = datastore.add_student("s001", "Name", "email")
    assessment = datastore.add_assessment("s001", "exam", "Math", 85)
    record = datastore.get_performance_record("s001")

    assert record is not None
    assert assessment.student_id == student.id


def test_draft_workflow(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Name", "email")

    draft = datastore.add_draft("s001", "essay-1", "A first version of the text.")

    assert (draft.student_id, draft.version) == ("s001", 1)


def a_transaction(db_manager: DropoutDatabaseManager, student: DropoutStudent) -> None:
    """Insert a row as the document's transaction does: commit, roll back on an error, close."""
    session = db_manager.get_session()
    try:
        session.add(student)
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()


def test_a_transaction_commits_or_rolls_back(db_manager: DropoutDatabaseManager) -> None:
    a_transaction(db_manager, DropoutStudent(id="s001", created_at=utc_now()))

    with pytest.raises(IntegrityError):
        a_transaction(db_manager, DropoutStudent(id="s001", created_at=utc_now()))
    assert db_manager.students.get("s001").id == "s001"


def test_a_batch_uses_a_single_session(db_manager: DropoutDatabaseManager) -> None:
    items = [DropoutStudent(id=f"s{number}", created_at=utc_now()) for number in range(3)]

    session = db_manager.get_session()
    for item in items:
        session.add(item)
    session.commit()
    session.close()

    assert [student.id for student in db_manager.students.search()] == ["s0", "s1", "s2"]


def test_logs_are_filtered_in_the_database(monitoring: MonitoringDatabase) -> None:
    monitoring.add_log("api", "request")
    monitoring.add_log("worker", "job")

    logs, count = monitoring.get_logs(source="api", limit=100)

    assert [log.source for log in logs] == ["api"]
    assert count == 1
    every_log, total = monitoring.get_logs(limit=999_999)
    assert len([log for log in every_log if log.source == "api"]) == 1
    assert total == 2


def test_statistics_have_the_documented_members(monitoring: MonitoringDatabase) -> None:
    monitoring.add_log("api", "request", data={"response_time": 9_000})

    stats = monitoring.get_statistics()

    assert stats["total_logs"] == 1
    assert sum(stats["status_distribution"].values()) == 1
    assert isinstance(stats["oldest_log"], datetime)
    assert stats["newest_log"] == stats["oldest_log"]


def test_the_health_status_comes_with_its_severity(monitoring: MonitoringDatabase) -> None:
    monitoring.add_log("api", "request")

    status, severity = monitoring.get_current_health_status()

    assert status is HealthStatus.NORMAL
    assert severity == pytest.approx(0)


def test_the_dropout_manager_takes_the_documented_calls(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.students.add("s001", "Name", "email")
    event = db_manager.add_learning_event("e001", "s001", None, "RESOURCE_VIEW")
    db_manager.predictions.add("p001", "s001", "COGNITIVE", 0.8)

    assert (event.student_id, event.event_type) == ("s001", EventType.RESOURCE_VIEW)
    assert db_manager.predictions.get_latest("s001").id == "p001"
    with db_manager.get_session() as session:
        assert session.get(LearningEvent, "e001") is not None


def test_the_public_names_are_importable_where_the_document_has_them() -> None:
    from dropout_service.database import db_manager, get_db  # noqa: PLC0415 - the import is tested
    from monitoring_service.database import monitoring_db  # noqa: PLC0415 - likewise
    from staffstuddash_service.datastore import add_student, datastore  # noqa: PLC0415 - likewise

    assert isinstance(monitoring_db, monitoring_service.database.MonitoringDatabase)
    assert isinstance(datastore, staffstuddash_service.datastore.DatastoreManager)
    assert isinstance(db_manager, dropout_service.database.DropoutDatabaseManager)
    assert add_student == datastore.add_student
    assert callable(get_db)


def test_an_unknown_student_is_refused_and_not_none(datastore: DatastoreManager) -> None:
    with pytest.raises(NotFound):
        datastore.get_student("nobody")
