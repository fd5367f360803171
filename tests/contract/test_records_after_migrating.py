"""Migration of a first-release database: searchable students and recomputed records."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.main import create_app
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK, engine_on
from veritas_cli.migrations import HISTORIES

FIRST = "20261122_students"
STUDENTS = """
INSERT INTO staffstuddash.students (id, name, email, created_at, updated_at, digest) VALUES
('s1', 'Ada Lovelace', 'Ada@School.example', now(), now(), '\\x00'),
('s2', 'Grace', NULL, now(), now(), '\\x00'),
('s3', 'İpek Łuk', 'Émile@School.example', now(), now(), '\\x00')
"""
MARKS = """
INSERT INTO staffstuddash.assessment_logs
(id, student_id, type, subject, topic, score, max_score, timestamp, created_at, digest)
SELECT 'a' || n, 's1', 'quiz', 'Math', 'sets', 50 + 10 * n, 100,
       now() - make_interval(days => 30 - 10 * n), now(), '\\x00'
FROM generate_series(0, 2) n
"""


@pytest.fixture
def engine(empty_url: str) -> Engine:
    """Give a database of the first release that has students and marks, migrated to this one."""
    engine = engine_on(empty_url)
    HISTORY.upgrade(engine, FIRST)
    with engine.begin() as connection:
        connection.execute(text(STUDENTS))
        connection.execute(text(MARKS))
    for history in HISTORIES:
        history.upgrade(engine)
    return engine


def test_students_are_found_and_listed(engine: Engine) -> None:
    datastore = DatastoreManager(Database.for_bind(engine))

    assert [s.id for s in datastore.students.search(search="LOVE").items] == ["s1"]
    assert [s.id for s in datastore.students.search(search="ada@school").items] == ["s1"]
    assert [row.student_id for row in datastore.teacher_dashboard.search().items] == [
        "s1",
        "s2",
        "s3",
    ]
    for search in ("ipek", "IPEK LUK", "émile@school"):
        assert [s.id for s in datastore.students.search(search=search).items] == ["s3"]
    by_name = datastore.teacher_dashboard.search(order=Order.NAME)
    assert [row.student_id for row in by_name] == ["s1", "s2", "s3"]


def test_records_are_computed_from_the_marks(engine: Engine) -> None:
    datastore = DatastoreManager(Database.for_bind(engine))
    before = datastore.get_performance_record("s1")

    assert datastore.performance.refresh_due() == 3

    after = datastore.get_performance_record("s1")
    assert (before.assessment_count, after.assessment_count) == (0, 3)
    assert after.mean_percentage == 60
    assert after.trend_per_30_days == pytest.approx(30)
    assert [c.concept for c in datastore.student_dashboard.get("s1").concepts] == ["sets"]
    assert datastore.get_performance_record("s2").due_at is None


def test_a_running_service_recomputes_the_records(engine: Engine) -> None:
    datastore = DatastoreManager(Database.for_bind(engine))
    settings = Settings(environment="development", records_refresh_seconds=0.05)
    app = create_app(datastore, settings)

    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        path = "/api/v1/students/s1/performance"
        assert comes_true(lambda: client.get(path).json()["assessment_count"] == 3)


def comes_true(condition: Callable[[], bool]) -> bool:
    """Wait for the condition for at most a minute, because machines are slow at times."""
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
