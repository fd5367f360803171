"""`GET /api/v1/me`: the caller as each service knows them."""

import asyncio

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.operations.me import get_caller
from shared_web.principals import SCOPES, Permission, Person, Principal, Scope
from tests.support.databases import LOOPBACK
from tests.support.services import PARTS

ME = "/api/v1/me"


@pytest.mark.parametrize("service", PARTS)
def test_a_key_learns_its_name_and_its_permissions(service: str, postgres: Database) -> None:
    key = KeyManager(postgres).add_key("lms", [Scope.INGEST, Permission.ERASE])
    parts = PARTS[service]
    with TestClient(parts.app(postgres, parts.settings())) as client:
        answer = client.get(ME, headers={"Authorization": f"Bearer {key}"})
        unknown = client.get(ME)

    assert unknown.status_code == 401
    assert answer.json() == {
        "name": "lms",
        "kind": "system",
        "permissions": sorted(SCOPES[Scope.INGEST] | {Permission.ERASE}),
        "notices": 0,
    }


def test_a_key_without_permissions_is_admitted(postgres: Database) -> None:
    key = KeyManager(postgres).add_key("nothing", [])
    parts = PARTS["monitoring"]
    with TestClient(parts.app(postgres, parts.settings())) as client:
        answer = client.get(ME, headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["permissions"]) == (200, [])


def test_a_developer_learns_to_be_one() -> None:
    parts = PARTS["dropout"]
    settings = parts.settings(environment=Environment.DEVELOPMENT)
    app = parts.app(Database.in_memory(parts.metadata), settings)
    with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        answer = client.get(ME).json()

    assert (answer["name"], answer["kind"]) == ("development", "developer")
    assert set(answer["permissions"]) == set(Permission)


def test_a_person_learns_roles_and_sight() -> None:
    person = Person("t001", ("teacher",), through="page")
    caller = Principal("t001", frozenset({Permission.STUDENTS_READ}), person)

    answer = asyncio.run(get_caller(Request({"type": "http", "app": FastAPI()}), caller))

    assert answer.model_dump(mode="json") == {
        "name": "t001",
        "kind": "person",
        "permissions": ["students.read"],
        "id": "t001",
        "roles": ["teacher"],
        "sees_all": False,
        "through": "page",
        "notices": 0,
        "full_name": None,
        "session_revision": None,
    }
