"""Keyless development: on loopback, and in containers whose ports are published on loopback."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK
from tests.support.factories import a_student

STUDENTS = "/api/v1/students"
GATEWAY = "172.18.0.1"
DASHBOARD = "https://dashboard.school.example"
ON_LOOPBACK: dict[str, object] = {"cors_origins": DASHBOARD}
IN_A_CONTAINER: dict[str, object] = {
    "cors_origins": DASHBOARD,
    "host": "0.0.0.0",  # noqa: S104 - as in docker-compose.yml
    "keyless_hosts": "localhost, staffstuddash",
}


@pytest.fixture(
    scope="module",
    params=[(ON_LOOPBACK, LOOPBACK), (IN_A_CONTAINER, GATEWAY)],
    ids=["on loopback", "in a container"],
)
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """Give a client of a service without keys, from where its calls come in that mode."""
    settings, caller = request.param
    database = Database.in_memory(Base.metadata)
    app = create_app(
        DatastoreManager(database), Settings.load(environment="development", **settings)
    )
    with TestClient(app, "http://localhost", client=(caller, 50000)) as client:
        yield client
    database.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "127.0.0.1:8002"}, 200),
        ({"Host": "[::1]:8002"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "192.0.2.7"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "evil.example", "X-Forwarded-For": "127.0.0.1"}, 403),
        ({"Host": "evil.example", "X-Forwarded-Host": "localhost"}, 403),
        ({"Host": "evil.example", "Forwarded": "for=127.0.0.1;host=localhost"}, 403),
        ({"Origin": "http://localhost:5173"}, 200),
        ({"Origin": "http://127.0.0.1:5173", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": DASHBOARD, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://localhost.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Origin": "http://[bad"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_callers_are_told_apart_by_host_and_origin(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.get(STUDENTS, headers=headers).status_code == status


def test_a_foreign_page_stores_nothing(client: TestClient) -> None:
    page = {"Origin": "https://evil.example", "Content-Type": "text/plain"}

    refused = client.post(STUDENTS, content='{"id": "s9", "name": "Mallory"}', headers=page)

    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:veritas:problem:forbidden"
    assert "CORS_ORIGINS" in refused.json()["detail"]
    assert client.get(f"{STUDENTS}/s9").status_code == 404


def test_a_name_of_the_setting_is_admitted_and_only_with_it(client: TestClient) -> None:
    in_a_container = client.app.state.authenticator.settings.keyless_hosts  # type: ignore[attr-defined]
    headers = {"Host": "staffstuddash:8002"}

    answer = client.post(STUDENTS, json=a_student(), headers=headers)

    assert answer.status_code == (201 if in_a_container else 403)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"environment": "production", "keyless_hosts": "localhost"}, "KEYLESS_HOSTS"),
        ({"environment": "production", "reload": "true"}, "RELOAD"),
        ({"environment": "development", "reload": "true", "workers": 2}, "RELOAD.*WORKERS=1"),
    ],
)
def test_what_is_of_development_alone_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refusal:
        Settings.load(**values)

    assert "\n" not in str(refusal.value)


def test_production_is_the_default_and_refuses_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    monkeypatch.setenv("KEYLESS_HOSTS", "localhost")

    with pytest.raises(ConfigurationError, match="ENVIRONMENT=development"):
        Settings.load()
