"""Services without keys, for development: on loopback, or in containers published on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def served(caller: str, settings: dict[str, object]) -> Iterator[TestClient]:
    """Give a client with this address of a service without keys."""
    database = Database.in_memory(Base.metadata)
    chosen = Settings.load(**{"environment": "development", **settings})
    try:
        with TestClient(
            create_app(DatastoreManager(database), chosen),
            "http://localhost",
            client=(caller, 50000),
        ) as client:
            yield client
    finally:
        database.close()


@pytest.fixture(
    scope="module",
    params=[(LOOPBACK, ON_LOOPBACK), (GATEWAY, IN_A_CONTAINER)],
    ids=["on loopback", "in a container"],
)
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """Give a client with the address that callers have in each environment."""
    with served(*request.param) as client:
        yield client


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
        ({"X-Forwarded-For": "127.0.0.1, ::1"}, 200),
        ({"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, 403),
        ({"X-Forwarded-For": "192.0.2.7, 127.0.0.1"}, 403),
        ({"X-Real-IP": "192.0.2.7"}, 403),
        ({"Forwarded": "for=192.0.2.7"}, 403),
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
def test_host_proxy_and_origin_must_be_local(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    assert client.get(STUDENTS, headers=headers).status_code == status


@pytest.mark.parametrize(("caller", "status"), [("::1", 200), ("192.0.2.7", 403), (GATEWAY, 403)])
def test_on_loopback_the_address_must_be_local(caller: str, status: int) -> None:
    with served(caller, ON_LOOPBACK) as client:
        assert client.get(STUDENTS).status_code == status


def test_a_page_of_another_site_stores_nothing(client: TestClient) -> None:
    page = {"Origin": "https://evil.example", "Content-Type": "text/plain"}

    refused = client.post(STUDENTS, content='{"id": "s9", "name": "Mallory"}', headers=page)

    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:veritas:problem:forbidden"
    assert "CORS_ORIGINS" in refused.json()["detail"]
    assert client.get(f"{STUDENTS}/s9").status_code == 404


def test_a_host_name_is_accepted_only_if_configured(client: TestClient) -> None:
    in_a_container = client.app.state.authenticator.settings.keyless_hosts  # type: ignore[attr-defined]
    headers = {"Host": "staffstuddash:8002"}

    answer = client.post(STUDENTS, json=a_student(), headers=headers)

    assert answer.status_code == (201 if in_a_container else 403)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"environment": "production"}, "veritas keys add"),
        ({"environment": "development", "host": "0.0.0.0"}, "loopback"),  # noqa: S104 - refused
    ],
)
def test_a_service_with_a_database_but_no_key_does_not_start(
    postgres: Database, settings: dict[str, object], message: str
) -> None:
    app = create_app(DatastoreManager(postgres), Settings.load(**settings))

    with pytest.raises(ConfigurationError, match=message), TestClient(app):
        pass


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"environment": "production"}, "DATABASE_URL is not set"),
        ({"host": "192.0.2.7"}, "loopback"),
        ({"workers": 2}, "WORKERS=2 needs PostgreSQL"),
    ],
)
def test_the_in_memory_store_is_only_for_local_development(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message), served(LOOPBACK, settings):
        pass


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"environment": "production", "keyless_hosts": "localhost"}, "KEYLESS_HOSTS"),
        ({"environment": "production", "reload": "true"}, "RELOAD"),
        ({"environment": "development", "reload": "true", "workers": 2}, "RELOAD.*WORKERS=1"),
    ],
)
def test_settings_for_development_are_refused_elsewhere(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refusal:
        Settings.load(**values)

    assert "\n" not in str(refusal.value)


def test_the_default_environment_is_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    monkeypatch.setenv("KEYLESS_HOSTS", "localhost")

    with pytest.raises(ConfigurationError, match="ENVIRONMENT=development"):
        Settings.load()


def test_acting_for_a_person_needs_postgresql() -> None:
    with served(LOOPBACK, ON_LOOPBACK) as client:
        answer = client.get(STUDENTS, headers={"Veritas-On-Behalf-Of": "s001"})

    assert answer.status_code == 501
    assert "Rows in memory cannot be limited" in answer.json()["detail"]
