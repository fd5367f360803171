"""Rows of the first release (`tests/releases/first.sql`): complete and correct in this one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text

from dropout_service.database import DropoutDatabaseManager
from dropout_service.errors import EventExists as LearningEventExists
from monitoring_service.database import MonitoringDatabase
from monitoring_service.domain.findings import HealthStatus
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.migrations import HISTORIES

WRITTEN = Path(__file__).parents[1] / "releases" / "first.sql"
FIRST = {
    "access": "20261122_keys",
    "staffstuddash": "20261122_students",
    "dropout": "20261122_dropout",
    "monitoring": "20261122_logs",
}
TABLES = text(
    "SELECT schemaname, tablename FROM pg_tables"
    " WHERE schemaname = ANY (:schemas) AND tablename <> 'alembic_version' ORDER BY 1, 2"
)
# Derived from the assessments; the first release computes it again with the next one.
DERIVED = "staffstuddash.performance_records"


@pytest.fixture(scope="module")
def written() -> Iterator[str]:
    """Give the name of a database as the first release left it."""
    name = new_name()
    url = create_database(admin_url(), name)
    for history in HISTORIES:
        history.upgrade(engine_on(url), FIRST[history.schema])
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(WRITTEN.read_text(encoding="utf-8"))
    connection.close()
    yield name
    drop_database(admin_url(), name)


@pytest.fixture(scope="module")
def upgraded(written: str) -> Iterator[Database]:
    """Give a copy of it, migrated to this release."""
    name = new_name()
    url = create_database(admin_url(), name, template=written)
    for history in HISTORIES:
        history.upgrade(engine_on(url))
    yield Database.for_bind(engine_on(url))
    drop_database(admin_url(), name)


@pytest.fixture
def dropout(upgraded: Database) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(upgraded)


@pytest.fixture
def monitoring(upgraded: Database) -> MonitoringDatabase:
    return MonitoringDatabase(upgraded)


@pytest.fixture
def datastore(upgraded: Database) -> DatastoreManager:
    return DatastoreManager(upgraded)


def all_rows(database: Database) -> dict[str, list[Any]]:
    """Return every row as JSON, by table, without derived rows."""
    with database.reading() as session:
        tables = session.execute(TABLES, {"schemas": list(FIRST)}).all()
        names = [f"{schema}.{table}" for schema, table in tables]
        return {
            name: list(session.scalars(text(f"SELECT to_jsonb(one) FROM {name} one ORDER BY 1")))
            for name in names
            if name != DERIVED
        }


def test_events_are_listed_and_recognised_when_sent_again(dropout: DropoutDatabaseManager) -> None:
    listed = dropout.events.search("ada").items
    noted = {"note": 'O\'Brien \\ "ü"', "clicks": 2.5}
    again = dropout.events.add(
        "e9", "ada", None, "RESOURCE_VIEW", data=noted, occurred_at=NOON + timedelta(minutes=26)
    )

    assert {event.id for event in listed} == {f"e{number}" for number in range(1, 10)}
    assert (again.is_replay, again.data) == (True, noted)
    with pytest.raises(LearningEventExists):
        dropout.events.add("e9", "ada", None, "RESOURCE_VIEW", occurred_at=NOON)


def test_days_equal_a_rebuild_by_this_release(
    upgraded: Database, dropout: DropoutDatabaseManager
) -> None:
    before = all_rows(upgraded)
    after: str | None = ""
    while after is not None:
        after = dropout.events.rebuild_daily_activity(after=after)

    days_then = before["dropout.daily_activity"]
    assert {(day["student_id"], day["course"]): day["clicks"] for day in days_then} == {
        ("ada", ""): 1,
        ("ada", "math"): 8,
        ("bo", "latin"): 0,
    }
    assert len(before["dropout.resource_uses"]) == 2
    assert all_rows(upgraded) == before


def test_predictions_keep_their_feedback_and_are_published(
    dropout: DropoutDatabaseManager, datastore: DatastoreManager
) -> None:
    again = dropout.predictions.predict("ada", as_of=NOON + days(15), prediction_id="p1")

    assert [p.id for p in dropout.predictions.search().items] == ["p2", "p3"]
    assert (again.is_replay, again.course, again.is_overall) == (True, None, False)
    assert again.primary_indicators[0]["text"] == "No activity for 8 days."
    assert [given.note for given in dropout.feedback.search("p1").items] == ["Was ill."]
    assert dropout.features.get_latest("ada").features["attempts_per_question"] == 3
    shown = {row.student_id: row.risk for row in datastore.teacher_dashboard.search().items}
    assert {id_: risk and round(risk.score, 3) for id_, risk in shown.items()} == {
        "ada": 0.261,
        "bo": 0.196,
    }


def test_students_and_marks_are_found_and_a_new_mark_counts_with_the_old(
    dropout: DropoutDatabaseManager, datastore: DatastoreManager
) -> None:
    again = datastore.add_student("bo", "Bo Öz")
    datastore.add_assessment("bo", "quiz", "Math", 50, timestamp=NOON)
    datastore.performance.refresh_due()

    assert again.is_replay
    assert [s.id for s in datastore.students.search(search="ÖZ").items] == ["bo"]
    assert datastore.get_performance_record("ada").mean_percentage == 80
    assert datastore.get_performance_record("bo").mean_percentage == 50
    assert [m.id for m in dropout.assessments.search("bo").items] == ["x1"]


def test_system_events_are_counted_searched_and_judged_as_before(
    monitoring: MonitoringDatabase,
) -> None:
    statistics = monitoring.get_statistics()
    again = monitoring.add_log(
        "web", "job", message="Größe \\ 'x'", timestamp=NOON + days(1), event_id="l4"
    )
    found, _ = monitoring.get_logs(text="größe")
    judged = monitoring.logs.get("l1").result

    assert again.is_replay
    assert statistics["status_distribution"] == {
        HealthStatus.NORMAL: 2,
        HealthStatus.WARNING: 0,
        HealthStatus.CRITICAL: 2,
    }
    assert (statistics["total_logs"], statistics["unique_sources"]) == (4, 2)
    assert [log.id for log in found] == ["l4"]
    assert judged is not None
    assert judged.reasoning == "response_time is 6000 ms, the limit is 1000 ms."


def test_after_a_downgrade_all_rows_equal_those_of_the_first_release(written: str) -> None:
    name = new_name()
    url = create_database(admin_url(), name, template=written)
    database = Database.for_bind(engine_on(url))
    before = all_rows(database)
    for history in HISTORIES:
        history.upgrade(engine_on(url))
    for history in reversed(HISTORIES):
        history.downgrade(engine_on(url), FIRST[history.schema])

    assert sum(map(len, before.values())) == 35
    assert all_rows(database) == before
    drop_database(admin_url(), name)
