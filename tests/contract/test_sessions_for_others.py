"""Sessions for callers outside: a small separate app that uses `get_db`."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

import dropout_service.database
from dropout_service.database import DropoutDatabaseManager, get_db
from dropout_service.models import Student
from shared_db.clock import utc_now

Db = Annotated[Session, Depends(get_db, scope="function")]


@pytest.fixture
def client(db_manager: DropoutDatabaseManager, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of the small app; its sessions use the test's database."""
    monkeypatch.setattr(dropout_service.database, "db_manager", db_manager)
    app = FastAPI()

    @app.post("/students/{student_id}", status_code=201)
    def add(student_id: str, session: Db) -> None:
        session.add(Student(id=student_id, created_at=utc_now()))
        session.commit()

    @app.get("/students")
    def count(session: Db) -> list[str]:
        return list(session.scalars(select(Student.id)))

    return TestClient(app)


def test_committed_rows_are_there_for_the_next_request(client: TestClient) -> None:
    assert client.post("/students/s001").status_code == 201
    assert client.get("/students").json() == ["s001"]


def test_a_failed_commit_is_never_answered_with_success(client: TestClient) -> None:
    client.post("/students/s001")

    with pytest.raises(IntegrityError):
        client.post("/students/s001")
    assert client.get("/students").json() == ["s001"]
