"""Acknowledgement of single events: with a full queue, and before they are stored."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

import monitoring_service.main
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.settings import Environment
from tests.e2e.processes import wait_until
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.factories import a_system_event
from tests.support.service_cases import assert_refused

EVENTS = "/api/v1/monitoring/events"


@contextmanager
def served(manager: MonitoringDatabase, **settings: Any) -> Iterator[TestClient]:
    chosen = Settings(environment=Environment.DEVELOPMENT, **settings)
    app = monitoring_service.main.create_app(manager, chosen)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        yield client


def test_an_event_is_refused_while_the_queue_is_full() -> None:
    manager = MonitoringDatabase(Database.in_memory(Base.metadata))

    def sent(number: int) -> Any:
        return client.post(EVENTS, json=a_system_event(event_id=f"e{number}"))

    with served(manager, ingest_queue_requests=1) as client, ThreadPoolExecutor(2) as pool:
        with manager.database.unit_of_work():  # blocks other writers
            being_written = pool.submit(sent, 1)
            commits = manager.events.commits
            assert wait_until(lambda: commits.is_writing and not commits.waiting)
            waiting = pool.submit(sent, 2)
            assert wait_until(lambda: commits.waiting == 1)
            refused = sent(3)
        answers = [being_written.result(), waiting.result(), refused, sent(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 503, 201]
    assert_refused(refused, 503)
    assert refused.json()["type"] == "urn:veritas:problem:overloaded"
    assert int(refused.headers["Retry-After"]) > 0
    assert manager.get_statistics()["total_logs"] == 3


def test_an_event_may_be_acknowledged_before_it_is_stored(open_database: OpenDatabase) -> None:
    manager = MonitoringDatabase(open_database(Base.metadata))

    with served(manager, ingest_acknowledge="queued") as client:
        answers = [
            client.post(EVENTS, json=a_system_event(event_id="e1")),
            client.post(EVENTS, json=a_system_event(event_id=None)),
            client.post(EVENTS, json=a_system_event(event_id="e1", source="other")),
        ]
        assert_refused(client.post(EVENTS, json=a_system_event(source="")), field="source")

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert answers[0].json() == {"id": "e1", "status": "queued"}
    assert manager.logs.get("e1").source == "catalogue"
    assert manager.logs.get(answers[1].json()["id"])
    assert manager.get_statistics()["total_logs"] == 2
