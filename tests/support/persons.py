"""Persons as callers of a service, named in a header of the test."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, Engine
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment, Fallback
from shared_web.auth.dependencies import Authenticator
from shared_web.principals import Permission, Person, Principal
from tests.support.databases import LOOPBACK, service_database
from tests.support.services import PARTS

PERSON_HEADER = "x-test-person"
SYSTEM = Principal("system", frozenset(Permission))


class NamedPersons(Authenticator):
    """Authentication by a header with the person's id; without it the caller is a system.

    Every caller has all permissions, so that only the limit of rows refuses a request.
    """

    async def principal(self, request: Request, key: str | None) -> Principal:  # noqa: ARG002 - no key is needed
        """Return the caller of the header."""
        id_ = request.headers.get(PERSON_HEADER)
        if id_ is None:
            return SYSTEM
        return Principal(id_ or "nobody", frozenset(Permission), Person(id_ or None, ("teacher",)))


def person_client(service: str, manager: Any, **changes: Any) -> TestClient:
    """Return a client with the person in a header; to be entered."""
    parts = PARTS[service]
    values = {"environment": Environment.DEVELOPMENT, "fallback": Fallback.OFF, **changes}
    app = parts.create_app(manager, parts.settings(**values))
    admit_persons(app)
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def admit_persons(app: Any) -> None:
    """Let the header name the caller of the FastAPI app."""
    app.state.authenticator.__class__ = NamedPersons


def by(person_id: str) -> dict[str, str]:
    """Return the headers of a person's request; an empty id is that of nobody."""
    return {PERSON_HEADER: person_id}


@dataclass(frozen=True)
class Managers:
    """Managers of the two services with rows of students, on one bind."""

    staffstuddash: Any
    dropout: Any

    @classmethod
    def on(cls, bind: Engine | Connection) -> "Managers":
        """Return the managers on an engine or a connection."""
        return cls(*(_manager(service, bind) for service in ("staffstuddash", "dropout")))


def _manager(service: str, bind: Engine | Connection) -> Any:
    parts = PARTS[service]
    database: Database = service_database(bind, parts.metadata)
    return parts.manager(database)
