"""The three services as one: route and names of fields of a row in each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import MetaData, func, select
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from tests.support.factories import a_learning_event, a_student, a_system_event, an_assessment
from tests.support.services import PARTS

MAX_BODY_BYTES = 100_000
JSON = {"content-type": "application/json"}
# Rows that reads add in memory.
READS = ("reads", "read_subjects")


@dataclass(frozen=True)
class Service:
    """One service's route for a row with an id and an instant, and for a list of such rows.

    one: the parts of a path before and after an id. list_name: the list's name in its cursors.
    """

    name: str
    route: str
    body: Callable[..., dict[str, Any]]
    one: tuple[str, str]
    listing: str
    list_name: str
    text_field: str
    before: Callable[[TestClient], Response | None] = lambda _client: None
    id_field: str = "id"
    instant_field: str = "timestamp"

    def __str__(self) -> str:
        return self.name

    @property
    def metadata(self) -> MetaData:
        """Tables of the service."""
        return PARTS[self.name].metadata

    def make_app(self, database: Database) -> FastAPI:
        """Return the app on a database, as a developer runs it."""
        parts = PARTS[self.name]
        settings = parts.settings(
            environment=Environment.DEVELOPMENT, max_body_bytes=MAX_BODY_BYTES
        )
        return parts.app(database, settings)


STAFFSTUDDASH = Service(
    name="staffstuddash",
    route="/api/v1/assessments",
    body=an_assessment,
    one=("/api/v1/students/", ""),
    listing="/api/v1/students/s001/assessments",
    list_name="assessments",
    text_field="subject",
    before=lambda client: client.post("/api/v1/students", json=a_student()),
)
DROPOUT = Service(
    name="dropout",
    route="/api/v1/events",
    body=a_learning_event,
    one=("/api/v1/students/", "/predictions/latest"),
    listing="/api/v1/students/s001/events",
    list_name="events",
    text_field="course",
    before=lambda client: client.post("/api/v1/events", json=a_learning_event(id="before")),
    instant_field="occurred_at",
)
MONITORING = Service(
    name="monitoring",
    route="/api/v1/monitoring/events",
    body=a_system_event,
    one=("/api/v1/monitoring/logs/", ""),
    listing="/api/v1/monitoring/logs",
    list_name="logs",
    text_field="source",
    id_field="event_id",
)
EVERY_SERVICE = (MONITORING, STAFFSTUDDASH, DROPOUT)
WITH_BATCHES = (MONITORING, DROPOUT)


def of(*services: Service) -> pytest.MarkDecorator:
    """Run the test for these services only."""
    return pytest.mark.parametrize("target", services, indirect=True, ids=str)


# For requests that are refused before the store is asked.
without_postgresql = pytest.mark.parametrize("open_database", ["memory"], indirect=True)


class Target:
    """A running service, and how many rows the test has added to it."""

    def __init__(self, service: Service, database: Database, client: TestClient) -> None:
        self.service = service
        self.client = client
        self._database = database
        service.before(client)
        self._rows_before = self._count_rows()

    def post(self, content: Any, headers: Mapping[str, str] = JSON) -> Response:
        """Send the bytes, text or pieces to the route that stores one row."""
        return self.client.post(self.service.route, content=content, headers=dict(headers))

    def post_with(self, **changes: Any) -> Response:
        """Send a good row with these changes.

        As text, because the client's JSON refuses NaN and lone surrogates.
        """
        return self.post(json.dumps(self.service.body(**changes)))

    def post_batch(self, content: Any, headers: Mapping[str, str] = JSON) -> Response:
        """Send the bytes or text to the route that stores many rows."""
        route = f"{self.service.route}/batch"
        return self.client.post(route, content=content, headers=dict(headers))

    def listed(self) -> list[dict[str, Any]]:
        """Return the rows of the service's list, the newest first."""
        rows: list[dict[str, Any]] = self.client.get(self.service.listing).json()["items"]
        return rows

    @property
    def new_rows(self) -> int:
        """How many rows there are more than before, in all tables together."""
        return self._count_rows() - self._rows_before

    def _count_rows(self) -> int:
        with self._database.reading() as session:
            tables = [t for t in self.service.metadata.sorted_tables if t.name not in READS]
            return sum(session.scalar(select(func.count()).select_from(t)) or 0 for t in tables)


def assert_refused(answer: Response, status: int = 422, field: str | None = None) -> None:
    """Demand a problem (RFC 9457) of that status which names the field and no other."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith("urn:veritas:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["status"] == status
    if field is not None:
        assert [error["field"] for error in problem["errors"]] == [field]
