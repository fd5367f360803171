"""Calls of the pages: each route and each parameter is in the OpenAPI document of its service."""

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import httpx
import pytest

from tests.support.services import openapi_of
from veritas_web.services.digests import Digests
from veritas_web.services.dropout import Dropout
from veritas_web.services.imports import Imports
from veritas_web.services.operations.monitoring import Monitoring
from veritas_web.services.own_records import OwnRecords
from veritas_web.services.rest import Caller, RestClient
from veritas_web.services.rights.access import Access
from veritas_web.services.rights.students import StudentRecords, StudentRights
from veritas_web.services.sign_ins import SignIns
from veritas_web.services.staffstuddash import Staffstuddash
from veritas_web.services.trust.incoming import Incoming
from veritas_web.services.trust.model_quality import ModelQuality

CALLS = {
    "dropout": (Dropout, StudentRecords, ModelQuality),
    "monitoring": (Monitoring,),
    "staffstuddash": (
        Staffstuddash,
        SignIns,
        Access,
        StudentRecords,
        StudentRights,
        Imports,
        OwnRecords,
        Incoming,
        Digests,
    ),
}
BODIES = {
    "add_action": {"action", "data", "prediction_id", "state", "due_on", "assigned_to"},
    "add_feedback": {"verdict", "reason", "note"},
    "add_answer": {"text"},
    "put": {"subject", "opening", "sections", "closing"},
    "change_action": {"state"},
    "give_role": {"role"},
    "invite": {"days"},
    "put_role": {"permissions", "sees_all"},
    "add_key": {"name", "scopes", "permissions", "expires_at", "addresses"},
    "open": {"reason"},
    "put_hold": {"reason"},
    "continue_import": {"column_map", "on_conflict", "dry_run"},
}
ID = "x"


def methods() -> list[tuple[str, type, str]]:
    """Return service, class and name of each call."""
    return [
        (service, each, name)
        for service, classes in CALLS.items()
        for each in classes
        for name, _ in inspect.getmembers(each, inspect.iscoroutinefunction)
        if not name.startswith("_")
    ]


def arguments(method: Callable[..., Any], body: set[str]) -> dict[str, Any]:
    """Return a value for every parameter, so that the call sends all that it can."""
    kinds: dict[Any, Any] = {
        str: ID,
        str | None: ID,
        int: 1,
        bool: True,
        date: date(2026, 1, 1),
        Sequence[str]: [ID],
        Sequence[str] | None: [ID],
        Mapping[str, Any]: dict.fromkeys(body, ID),
    }
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {one.name: kinds[one.annotation] for one in parameters}


def sent_by(service: str, kind: type, name: str) -> httpx.Request:
    """Return the request that a call sends."""
    found: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        found.append(request)
        return httpx.Response(200, json={})

    async def call() -> None:
        client = RestClient(service, "http://service.example", httpx.MockTransport(answer))
        method = getattr(kind(client, Caller()), name)
        await method(**arguments(getattr(kind, name), BODIES.get(name, set())))
        await client.close()

    asyncio.run(call())
    [request] = found
    return request


def operation_of(service: str, request: httpx.Request) -> dict[str, Any]:
    """Return the documented operation of a request."""
    for path, operations in openapi_of(service)["paths"].items():
        # Words of the path are compared, so an id must not stand where a word is.
        pattern = re.sub(r"\{[^}]+\}", ID, path.replace("{week}", "2026-01-01"))
        if pattern == request.url.path and request.method.lower() in operations:
            found: dict[str, Any] = operations[request.method.lower()]
            return found
    raise AssertionError(f"{service} has no {request.method} {request.url.path}")


def fields_of(service: str, operation: dict[str, Any]) -> set[str]:
    """Return the fields of a documented JSON body."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    return set(openapi_of(service)["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize(
    ("service", "kind", "name"), methods(), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_call_is_documented(service: str, kind: type, name: str) -> None:
    request = sent_by(service, kind, name)
    operation = operation_of(service, request)
    known = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}

    assert set(request.url.params) <= known
    if name in BODIES:
        assert BODIES[name] <= fields_of(service, operation)
