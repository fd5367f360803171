"""Rate limits per key, and per address that sends unknown keys."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.factories import a_student
from tests.support.service_cases import assert_refused

STUDENTS = "/api/v1/students"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def keys(postgres: Database) -> KeyManager:
    return KeyManager(postgres)


@pytest.fixture
def key(keys: KeyManager) -> str:
    return keys.add_key("dashboard", [Scope.READ])


def client_of(postgres: Database, **settings: Any) -> TestClient:
    app = create_app(
        DatastoreManager(postgres), Settings(environment=Environment.PRODUCTION, **settings)
    )
    app.state.prepare()
    return TestClient(app, client=("192.0.2.7", 50000))


@pytest.fixture
def limited(postgres: Database, key: str) -> TestClient:
    """Give a client of one of two processes that share three requests a minute."""
    assert key
    return client_of(
        postgres,
        rate_limit_requests=3,
        rate_limit_seconds=60,
        workers=2,
        cors_origins="https://a.example",
    )


def test_a_request_over_the_limit_of_a_key_is_refused_for_now(
    limited: TestClient, key: str
) -> None:
    answers = [limited.get(STUDENTS, headers=bearer(key)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"default";q=2;w=60'}
    assert answers[0].headers["RateLimit"] == '"default";r=1;t=30'
    assert answers[2].headers["RateLimit"].startswith('"default";r=0;t=')
    assert_refused(answers[2], 429)
    assert answers[2].json()["type"] == "urn:veritas:problem:too-many-requests"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 30


def test_each_key_has_its_own_limit_and_refusals_count(
    limited: TestClient, keys: KeyManager, key: str
) -> None:
    other = keys.add_key("other", [Scope.READ])
    body = a_student()

    refused = [limited.post(STUDENTS, json=body, headers=bearer(key)) for _ in range(3)]

    assert [answer.status_code for answer in refused] == [403, 403, 429]
    assert limited.get(STUDENTS, headers=bearer(other)).status_code == 200


def test_requests_without_a_key_are_not_limited(limited: TestClient) -> None:
    for _ in range(30):
        assert limited.get(STUDENTS).status_code == 401
        answer = limited.get("/livez")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_a_page_may_read_the_headers_of_the_limit(limited: TestClient, key: str) -> None:
    answer = limited.get(STUDENTS, headers={**bearer(key), "Origin": "https://a.example"})

    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy"} <= set(exposed.split(", "))


def test_keys_are_not_limited_by_default(postgres: Database, key: str) -> None:
    answer = client_of(postgres).get(STUDENTS, headers=bearer(key))

    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers


def test_the_limit_of_an_address_counts_only_unknown_keys(postgres: Database, key: str) -> None:
    client = client_of(postgres)

    answers = [client.get(STUDENTS, headers=bearer(f"veritas_{n}")) for n in range(40)]

    assert [answer.status_code for answer in answers[:20]] == [401] * 20
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"
    assert client.get(STUDENTS, headers=bearer(key)).status_code == 200
    assert client.get(STUDENTS).status_code == 401


def test_429_is_documented_on_every_route_with_a_key(limited: TestClient) -> None:
    paths = limited.get("/openapi.json").json()["paths"]

    for path, operations in paths.items():
        for operation in operations.values():
            assert ("429" in operation["responses"]) == path.startswith("/api/")
