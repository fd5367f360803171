"""Limits of ingest: the INSERT of one event, for pgbench, and bare COPY of many."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from io import BytesIO

import psycopg2
from sqlalchemy import event

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database import EventToStore as LearningEvent
from dropout_service.database.events.store import received as learning_event_received
from dropout_service.domain.enums import EventType
from dropout_service.models import LearningEvent as StoredEvent
from monitoring_service.database import EventToStore as SystemEvent
from monitoring_service.database import MonitoringDatabase
from monitoring_service.database.event_insert import to_row as system_event_received
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import MonitoringLog
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.writes.copy_from import copy_format_of
from tests.support.service_processes import Server

SAME_ID = "the-same-id-"
STUDENTS = 20_000
_MOST_ROWS = 40_000  # a second and client


def recorded_insert(service: str, server: Server) -> str:
    """Return the INSERT by which the service stores one event, with `e:n` for the id."""
    engine = server.engine()
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _record(_connection, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def] # SQLAlchemy's
        seen.append(cursor.mogrify(statement, parameters).decode())

    same_id = SAME_ID + new_id()  # the same id in the same database is a replay
    database = Database.for_bind(engine)
    if service == "monitoring_service":
        MonitoringDatabase(database).events.add_many([_system_event(same_id)])
    else:
        DropoutDatabaseManager(database).events.add_many([_learning_event(same_id, 1)])
    table = (
        "monitoring.monitoring_logs"
        if service == "monitoring_service"
        else "dropout.learning_events"
    )
    [insert] = [sql for sql in seen if f"INSERT INTO {table}" in sql]
    return insert.replace(same_id, "e:n")


def copied(service: str, server: Server, size: int, clients: int, seconds: float) -> float:
    """Return rows a second by bare COPY, in batches on a fresh connection each."""
    model, make = {
        "monitoring_service": (MonitoringLog, _system_rows),
        "dropout_service": (StoredEvent, _learning_rows),
    }[service]
    if service == "dropout_service":
        require_students(server)
    statement, batches = _ready(model, make, size, clients, seconds)
    stop = time.perf_counter() + seconds
    counts = [0] * clients

    def work(client: int) -> None:
        for text in batches[client]:
            if time.perf_counter() > stop:
                return
            with psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
                cursor.copy_expert(statement, BytesIO(text), size=len(text))
            connection.close()
            counts[client] += size

    threads = [threading.Thread(target=work, args=(client,)) for client in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def _ready(
    model: type, make: Callable[[int], Sequence[Row]], size: int, clients: int, seconds: float
) -> tuple[str, list[list[bytes]]]:
    """Return the statement, and for each client batches as text, prepared before the time runs."""
    format_ = copy_format_of(model)
    count = 2 + round(seconds * _MOST_ROWS) // size
    return format_.statement, [
        [format_.encode(make(size)) for _ in range(count)] for _ in range(clients)
    ]


def _system_event(id_: str) -> SystemEvent:
    data = {"response_time": 501, "cpu_usage": 50.5, "error_rate": 0.01}
    return SystemEvent(
        "source-50", "request", "search", "A search was answered.", data, None, utc_now(), id_
    )


def _system_rows(count: int) -> list[Row]:
    now = utc_now()
    judged = {"status": HealthStatus.NORMAL, "severity": 0.0}
    rows = [system_event_received(_system_event(new_id()), now).row for _ in range(count)]
    return [{**row, **judged} for row in rows]


def _learning_event(id_: str, student: int) -> LearningEvent:
    return LearningEvent(
        f"s{student}",
        EventType.QUESTION_SUBMIT,
        id_,
        f"q{student}",
        "math-7b",
        {"correct": True, "answer": "7/12"},
        utc_now() - timedelta(days=30),
    )


def _learning_rows(count: int) -> list[Row]:
    now = utc_now()
    return [
        learning_event_received(_learning_event(new_id(), 1 + n % STUDENTS), now).row
        for n in range(count)
    ]


@cache
def require_students(server: Server) -> None:
    """Insert the students of the events, as on any day after the first."""
    manager = DropoutDatabaseManager(Database.for_bind(server.engine()))
    for first in range(1, STUDENTS, 10_000):
        numbers = range(first, first + 10_000)
        manager.events.add_many([_learning_event(f"first-{n}", n) for n in numbers])
