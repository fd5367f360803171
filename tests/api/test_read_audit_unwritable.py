"""Audit of reads whose file cannot be written or is full: persons are refused, systems are not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.audit.rows import Chain, Read
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.spool.file import SpoolUnavailable
from staffstuddash_service.datastore import DatastoreManager
from tests.support.audits import audited_client, by, stored_reads
from tests.support.databases import service_database
from tests.support.services import PARTS

STUDENT = "/api/v1/students/s001"
TEMPLATE = "/api/v1/students/{student_id}"


def test_reads_of_persons_are_refused_when_they_cannot_be_recorded(
    postgres_store: DatastoreManager, tmp_path: Path
) -> None:
    file = tmp_path / "no-folder"
    file.touch()
    with audited_client("staffstuddash", postgres_store, spool_path=file) as client:
        person = client.get(STUDENT, headers=by("p1", "principal"))
        system = client.get(STUDENT)
        check = client.get("/health").json()["checks"]["audit:reads"][0]

    assert person.status_code == 503
    assert person.json()["type"] == "urn:veritas:problem:audit-unavailable"
    assert person.headers["retry-after"] == "5"
    assert "Ada" not in person.text
    assert system.json()["name"] == "Ada"
    assert check["status"] == "warn"
    assert "cannot be recorded" in check["output"]


def test_a_full_file_refuses_reads_until_its_rows_are_moved(
    postgres_store: DatastoreManager,
) -> None:
    most = 1024 * 1024
    with audited_client("staffstuddash", postgres_store, spool_max_bytes=most) as client:
        waiting = _fill(client)
        answered = 0
        while (answer := client.get(STUDENT, headers=by("p1", "principal"))).is_success:
            answered += 1
        moved = stored_reads(client, postgres_store)
        again = client.get(STUDENT, headers=by("p1", "principal"))

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:veritas:problem:audit-unavailable"
    assert len(moved) == waiting + answered
    assert again.status_code == 200


def _fill(client: TestClient) -> int:
    """Append reads to the client's file until it is full; return their number."""
    app: Any = client.app
    chain, count = Chain("staffstuddash"), 0
    read = Read(utc_now(), "t1", True, TEMPLATE, ["s001"], purpose="x" * 200)
    with pytest.raises(SpoolUnavailable):
        while True:
            app.state.read_audit.file.append(chain.extend([read] * 50))
            count += 50
    return count


@pytest.fixture
def postgres_store(postgres_database: Database) -> DatastoreManager:
    """Give a manager with one student on PostgreSQL."""
    manager = DatastoreManager(postgres_database)
    manager.add_student("s001", "Ada")
    return manager


@pytest.fixture
def postgres_database(migrated_engine: Any) -> Iterator[Database]:
    """Give the database of staffstuddash in its role, rolled back after the test."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        yield service_database(connection, PARTS["staffstuddash"].metadata)
        transaction.rollback()
