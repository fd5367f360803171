"""Students found by their identifiers in other systems, in both services."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.roster import IdentifierKind
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.factories import NOON
from tests.support.rosters import an_identifier, fill, outcomes
from tests.support.services import PARTS

PATH = "/api/v1/students"


@pytest.fixture
def datastore(open_database: OpenDatabase) -> DatastoreManager:
    """Give four students; s001 and s002 have the account ada, each in another system."""
    manager = DatastoreManager(open_database(StaffstuddashBase.metadata))
    fill(manager, students=4)
    outcomes(
        manager,
        an_identifier(),
        an_identifier(kind=IdentifierKind.ID),
        an_identifier(student_id="s002", system="canvas"),
        an_identifier(student_id="s003", value="Ada"),
    )
    return manager


def client_of(name: str, manager: object) -> TestClient:
    settings = PARTS[name].settings(environment=Environment.DEVELOPMENT, fallback=Fallback.OFF)
    app = PARTS[name].create_app(manager, settings)
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


@pytest.fixture
def dropout(open_database: OpenDatabase) -> Iterator[TestClient]:
    """Give dropout beside it, with an event of s002."""
    manager = DropoutDatabaseManager(open_database(DropoutBase.metadata))
    manager.events.add(None, "s002", None, "NAVIGATION", occurred_at=NOON)
    with client_of("dropout", manager) as client:
        yield client


@pytest.fixture
def staffstuddash(datastore: DatastoreManager) -> Iterator[TestClient]:
    """Give staffstuddash over HTTP."""
    with client_of("staffstuddash", datastore) as client:
        yield client


def found(client: TestClient, **query: str) -> list[str]:
    """Return the ids of the students, read page by page."""
    ids, after = list[str](), dict[str, str]()
    while True:
        answer = client.get(PATH, params=query | after | {"limit": "1"})
        assert answer.status_code == 200, answer.text
        ids += [row["id"] for row in answer.json()["items"]]
        if answer.json()["next"] is None:
            return ids
        after = {"after": answer.json()["next"]}


def finds_each_student_once(client: TestClient) -> None:
    assert found(client, identifier="ada") == ["s001", "s002"]
    assert found(client, identifier=" ada ", system="moodle") == ["s001"]
    assert found(client, identifier="Ada") == ["s003"]
    assert found(client, identifier="ad") == []
    assert found(client, identifier="ada", system="blackboard") == []


def test_staffstuddash_finds_students_by_identifier(staffstuddash: TestClient) -> None:
    finds_each_student_once(staffstuddash)
    assert found(staffstuddash, identifier="ada", search="Student 2") == ["s002"]


def test_dropout_finds_students_before_their_first_row(
    dropout: TestClient, datastore: DatastoreManager
) -> None:
    if datastore.use_fallback:
        answer = dropout.get(PATH, params={"identifier": "ada"})
        assert answer.status_code == 501
        assert answer.json()["type"].endswith("needs-postgresql")
        return
    finds_each_student_once(dropout)
    rows = dropout.get(PATH, params={"identifier": "ada"}).json()["items"]
    assert [(row["id"], row["created_at"] is None) for row in rows] == [
        ("s001", True),
        ("s002", False),
    ]
    assert [row["id"] for row in dropout.get(PATH).json()["items"]] == ["s002"]


def test_a_system_without_an_identifier_is_refused(
    staffstuddash: TestClient, dropout: TestClient
) -> None:
    for client in (staffstuddash, dropout):
        refused = client.get(PATH, params={"system": "moodle"})
        assert refused.status_code == 422
        assert "give both" in refused.json()["detail"]


def test_the_look_up_uses_the_index(postgres: Database) -> None:
    query = "SELECT student_id FROM staffstuddash.published_identifiers WHERE value = 'ada'"
    with postgres.snapshot() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {query}")))

    assert "ix_student_identifiers_value" in plan
