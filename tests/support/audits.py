"""Callers of chosen roles, and the rows of the audit of reads."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from sqlalchemy import select
from starlette.testclient import TestClient

from shared_db.settings import Environment, Fallback
from shared_web.auth.dependencies import Authenticator
from shared_web.principals import BUILT_IN_ROLES, Permission, Person, Principal
from tests.support.databases import LOOPBACK
from tests.support.services import PARTS

_HEADER = "x-test-role"


class NamedRoles(Authenticator):
    """Authentication by a header with the person's id and role; without it, a system."""

    async def principal(self, request: Request, key: str | None) -> Principal:  # noqa: ARG002 - no key is needed
        """Return the caller of the header."""
        named = request.headers.get(_HEADER)
        if named is None:
            return Principal("dashboard", frozenset(Permission))
        id_, _, name = named.partition(":")
        role = BUILT_IN_ROLES[name]
        person = Person(id_, (name,), sees_all=role.sees_all, through="page")
        return Principal(id_, role.permissions, person)


def by(id_: str, role: str) -> dict[str, str]:
    """Return the headers of a request by a person with that role."""
    return {_HEADER: f"{id_}:{role}"}


def audited_client(service: str, manager: Any, **changes: Any) -> TestClient:
    """Return a client with the caller in a header; to be entered."""
    parts = PARTS[service]
    values = {"environment": Environment.DEVELOPMENT, "fallback": Fallback.OFF, **changes}
    app: FastAPI = parts.create_app(manager, parts.settings(**values))
    app.state.authenticator.__class__ = NamedRoles
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def stored_reads(client: TestClient, manager: Any) -> list[Mapping[str, Any]]:
    """Return the rows of all reads, after those that wait are moved."""
    app: Any = client.app
    app.state.read_audit.move()
    return rows_of(manager, "reads")


def rows_of(manager: Any, table: str) -> list[Mapping[str, Any]]:
    """Return the rows of a table of the audit, in the order of the reads."""
    of = _table(manager, table)
    with manager.database.reading() as session:
        rows = session.execute(select(of).order_by(of.c.read_at, of.c.number)).mappings().all()
    return [dict(row) for row in rows]


def _table(manager: Any, name: str) -> Any:
    schema = "dropout" if hasattr(manager, "predictions") else "staffstuddash"
    return PARTS[schema].metadata.tables[f"{schema}.{name}"]
