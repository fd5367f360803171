"""Outage of the database and wrong settings: distinguished, and reported in one line."""

import socket
from collections.abc import Callable

import pytest
from sqlalchemy import make_url, text
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, DatabaseUnavailable
from shared_db.provisioning.migrations import require_migrated
from shared_db.settings import DatabaseSettings, Fallback
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.main import create_app
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on, role_of
from tests.support.factories import a_student
from tests.support.rosters import ONEROSTER, a_class, an_enrolment
from tests.support.server import admin_url, role_prefix
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import temporary_postgres
from veritas_cli.processes.ports import free_port

STUDENTS = "/api/v1/students"


@pytest.fixture
def unused_url() -> str:
    """Return the URL of a port without a server."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"postgresql://ada:hunter2@127.0.0.1:{held.getsockname()[1]}/school"


def opened(**settings: object) -> Database:
    return Database.from_settings("test", Base.metadata, DatabaseSettings.load(**settings))


def test_without_a_url_rows_are_kept_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    database = opened()

    assert database.use_fallback
    assert "DATABASE_URL is not set" in caplog.text
    database.close()


def test_a_database_is_opened_on_first_use() -> None:
    database = opened(database_url="no url at all")

    with pytest.raises(ConfigurationError):
        _ = database.use_fallback


def test_development_uses_memory_while_the_server_is_away(
    unused_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = opened(database_url=unused_url, environment="development")

    assert database.use_fallback
    assert "does not answer" in caplog.text
    database.close()


def test_changes_of_the_roster_are_refused_while_the_server_is_away(unused_url: str) -> None:
    database = opened(database_url=unused_url, environment="production")
    roster = DatastoreManager(database).roster
    attempts: list[Callable[[], object]] = [
        lambda: roster.replace(a_class()),
        lambda: roster.relate(an_enrolment("")),
        lambda: roster.get(RosterKind.CLASS, "5a"),
        lambda: roster.end(RosterKind.CLASS, "5a"),
        lambda: roster.apply(RosterKind.CLASS, [a_class()], ONEROSTER),
    ]

    for attempt in attempts:
        with pytest.raises(DatabaseUnavailable):
            attempt()
    database.close()


@pytest.mark.parametrize(
    ("environment", "fallback"), [("production", None), ("development", "off")]
)
def test_production_answers_503_until_the_server_is_back(
    unused_url: str, environment: str, fallback: str | None
) -> None:
    database = opened(database_url=unused_url, environment=environment, fallback=fallback)

    assert not database.use_fallback
    with pytest.raises(DatabaseUnavailable), database.reading():
        pass
    database.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"database": "nowhere"}, "nowhere"), ({"username": "nobody_of_that_name"}, "nobody")],
)
def test_a_wrong_name_is_a_mistake_and_no_outage(change: dict[str, str], said: str) -> None:
    url = make_url(admin_url()).set(**change)  # type: ignore[arg-type] # one of URL.set's names
    database = opened(
        database_url=url.render_as_string(hide_password=False), environment="development"
    )

    with pytest.raises(ConfigurationError) as refusal:
        _ = database.use_fallback

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_database_without_migrations_is_a_mistake(empty_url: str) -> None:
    database = Database.for_bind(engine_on(empty_url))

    with pytest.raises(ConfigurationError, match="veritas migrate"):
        require_migrated(database, HISTORY)


def is_back(database: Database) -> bool:
    breaker = database.store.breaker
    return breaker is not None and breaker.is_up


def test_a_server_that_is_lost_and_comes_back() -> None:
    with temporary_postgres(port=free_port()) as server:
        migrate_all(engine_on(server.url), role_prefix=role_prefix())
        database = Database.for_bind(engine_on(server.url))
        key = KeyManager(database).add_key("test", [Scope.ADMIN])
        app = create_app(DatastoreManager(database), Settings(fallback=Fallback.OFF))
        with TestClient(app, headers={"Authorization": f"Bearer {key}"}) as client:
            assert client.post(STUDENTS, json=a_student()).status_code == 201
            server.stop()
            opened_late = opened(database_url=server.url)
            assert not opened_late.use_fallback
            away = [
                client.post(STUDENTS, json=a_student(id="s002")),
                client.get(f"{STUDENTS}/s001"),
                client.get(f"{STUDENTS}/nobody"),
                client.get(STUDENTS),
                client.get("/readyz"),
            ]
            health = client.get("/health")
            alive = client.get("/livez")
            server.start()
            assert wait_until(lambda: is_back(opened_late))
            with opened_late.reading() as session:
                role = session.scalar(text("SELECT current_user"))
            opened_late.close()
            back = [client.get(f"{STUDENTS}/{id_}").status_code for id_ in ("s001", "s002")]

    assert [answer.status_code for answer in away] == [503] * 5
    for answer in away:
        assert answer.json()["type"] == "urn:veritas:problem:database-unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    assert (health.status_code, health.json()["status"]) == (503, "fail")
    assert alive.status_code == 200
    assert back == [200, 404]
    assert role == role_of(Base.metadata)
