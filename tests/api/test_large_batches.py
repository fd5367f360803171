"""Size limits of batches: of one batch, and of all batches in progress."""

import gzip
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

import dropout_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base
from dropout_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.errors import Overloaded
from shared_db.settings import Environment
from shared_web.requests.batches import BatchLimiter
from tests.support.databases import LOOPBACK
from tests.support.factories import a_learning_event
from tests.support.service_cases import assert_refused

BATCH = "/api/v1/events/batch"
JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}
MOST_BYTES = 600_000


@pytest.fixture
def client() -> TestClient:
    """Yield a client of dropout in memory; its batches may have 100 times the size of bodies."""
    manager = DropoutDatabaseManager(Database.in_memory(Base.metadata))
    settings = Settings(
        environment=Environment.DEVELOPMENT, max_body_bytes=6_000, max_batch_bytes=MOST_BYTES
    )
    app = dropout_service.main.create_app(manager, settings)
    app.state.prepare()
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def a_batch(count: int, **changes: Any) -> bytes:
    return json.dumps([a_learning_event(id=f"e{n}", **changes) for n in range(count)]).encode()


def test_a_batch_may_be_longer_than_other_bodies(client: TestClient) -> None:
    body = a_batch(1000)
    long = json.dumps(a_learning_event(data={"notes": "a" * 6_000})).encode()

    assert 6_000 < len(body) < MOST_BYTES
    assert client.post(BATCH, content=body, headers=JSON).json()["stored"] == 1000
    assert client.post(BATCH, content=gzip.compress(body), headers=GZIP).json()["repeated"] == 1000
    assert_refused(client.post("/api/v1/events", content=long, headers=JSON), 413)


def test_a_batch_that_is_too_long_is_rejected_in_every_encoding(client: TestClient) -> None:
    body = a_batch(1).ljust(MOST_BYTES + 1)
    pieces = [body[start : start + 100_000] for start in range(0, len(body), 100_000)]

    assert_refused(client.post(BATCH, content=body, headers=JSON), 413)
    assert_refused(client.post(BATCH, content=iter(pieces), headers=JSON), 413)
    assert_refused(client.post(BATCH, content=gzip.compress(body), headers=GZIP), 413)
    fits = gzip.compress(body[:MOST_BYTES])
    assert client.post(BATCH, content=fits, headers=GZIP).json()["stored"] == 1


def test_batches_with_too_many_bytes_in_total_are_rejected_for_now() -> None:
    room = BatchLimiter(max_bytes=100)
    with room.reserving() as first:
        first(100)
        first(250)
        with pytest.raises(Overloaded), room.reserving() as second:
            second(50)
            second(1)
        first(50)

    with room.reserving() as third:
        third(400)
