"""A small school on PostgreSQL, and the pages on its services with a key."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import RosterKind, StaffRole
from tests.support.databases import LOOPBACK, engine_on, service_database
from tests.support.page_schools import PageSchool
from tests.support.page_schools import page_school as opened_school
from tests.support.pages import pages
from tests.support.quiet import patient_pages
from tests.support.rosters import a_person
from tests.support.server import admin_url, create_database, drop_database, new_name
from tests.support.services import PARTS
from veritas_web.services.all import NAMES
from veritas_web.settings import Settings

SECRET = "not-a-secret-in-a-test-0123456789"  # noqa: S105 - of the test
ADDRESS = f"http://{LOOPBACK}"
OWN = {"Origin": ADDRESS}

OpenPages = Callable[..., TestClient]


@pytest.fixture(scope="session", autouse=True)
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let calls of services take long, also those of the school of a module."""
    with patient_pages(tmp_path_factory.mktemp("pages")):
        yield


@pytest.fixture
def connection(migrated_engine: Engine) -> Iterator[Connection]:
    """Give the connection of the test, rolled back after it."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def school(connection: Connection) -> DatastoreManager:
    """Give staffstuddash with two members of staff and a student."""
    manager = DatastoreManager(Database.for_bind(connection, role="none"))
    staff = [
        a_person(f"p-{role}", role=role, email=f"{role}@school.example", name=f"Grace {role}")
        for role in (StaffRole.TEACHER, StaffRole.ADVISOR)
    ]
    manager.roster.apply(RosterKind.PERSON, staff, "oneroster")
    manager.students.add_many([StudentToStore("Ada Lovelace", "ada@school.example", "s001")])
    return manager


@pytest.fixture
def key(connection: Connection) -> str:
    """Give the key of the pages, with which the services require keys."""
    return KeyManager(Database.for_bind(connection, role="none")).add_key(
        "web", [Permission.ACT_AS]
    )


@pytest.fixture
def apps(
    school: DatastoreManager, connection: Connection, request: pytest.FixtureRequest
) -> Iterator[dict[str, ASGIApp]]:
    """Give the three services on the school; with a key if the test asks for one first."""
    assert school
    if "key" in request.fixturenames:
        request.getfixturevalue("key")
    with ExitStack() as running:
        found: dict[str, ASGIApp] = {}
        for name in NAMES:
            parts = PARTS[name]
            settings = parts.settings(
                environment=Environment.DEVELOPMENT, cache_seconds=0, key_cache_seconds=0
            )
            app = parts.app(service_database(connection, parts.metadata), settings)
            running.enter_context(TestClient(app, ADDRESS, client=(LOOPBACK, 50000)))
            found[name] = app
        yield found


@pytest.fixture
def open_pages(apps: dict[str, ASGIApp], key: str) -> Iterator[OpenPages]:
    """Give a function that opens the pages with the key, each time as another process."""
    with ExitStack() as running:

        def open_one(away: tuple[str, ...] = (), **settings: Any) -> TestClient:
            values = {"web_key": key, "web_secret": SECRET, **settings}
            chosen = Settings(environment=Environment.DEVELOPMENT, **values)
            return running.enter_context(pages(apps, away=away, settings=chosen))

        yield open_one


def sign_in(client: TestClient, school: DatastoreManager, person: str = "p-teacher") -> None:
    """Sign in by an invitation."""
    token = school.sign_ins.invite(person, days=1, actor="test").token
    answer = client.post("/sign-in/invitation", data={"token": token}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text


@pytest.fixture(scope="module")
def page_school(template_name: str) -> Iterator[PageSchool]:
    """Give the school of the screens, on a database of its own for the tests of a module."""
    name = new_name()
    engine = engine_on(create_database(admin_url(), name, template=template_name))
    with opened_school(engine) as school:
        yield school
    drop_database(admin_url(), name)
