"""Requests of persons where rows cannot be limited, or the database is away: no row, no spool."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.errors import NotForPersons, RowLimitsUnavailable
from shared_db.row_limits import RowLimit, rows_limited_to
from tests.support.databases import PERSON_SCHEMAS, engine_on, role_of
from tests.support.factories import a_student, an_assessment
from tests.support.outage import server_to_lose, spool_in, spooling
from tests.support.persons import admit_persons, by, person_client
from tests.support.services import PARTS

TEACHER = by("t1")
A_MARK = {"id": "a1", "student_id": "s001", "type": "quiz", "subject": "Math", "score": 7}


@pytest.mark.parametrize("service", ["staffstuddash", "dropout"])
def test_the_in_memory_store_refuses_persons(service: str) -> None:
    parts = PARTS[service]
    database = Database.in_memory(parts.metadata)
    with person_client(service, parts.manager(database)) as client:
        client.post("/api/v1/students", json=a_student())
        answers = [
            client.get("/api/v1/students", headers=TEACHER),
            client.get("/api/v1/students/s001", headers=TEACHER),
            client.post("/api/v1/assessments", json=A_MARK, headers=TEACHER),
            client.post("/api/v1/students", json=a_student(id="s2"), headers=TEACHER),
        ]
        assert client.get("/api/v1/students").json()["items"]

    assert {answer.status_code for answer in answers} == {501}
    assert {answer.json()["type"] for answer in answers} == {
        "urn:veritas:problem:row-limits-unavailable"
    }
    with pytest.raises(RowLimitsUnavailable, match="DATABASE_URL"):
        database.require_row_limits()
    database.close()


def test_monitoring_has_no_rows_of_students_and_answers_persons(private_url: str) -> None:
    parts = PARTS["monitoring"]
    database = Database.for_bind(
        engine_on(private_url), role=role_of(parts.metadata), person_schemas=()
    )
    with person_client("monitoring", parts.manager(database)) as client:
        assert client.get("/api/v1/monitoring/logs", headers=TEACHER).status_code == 200
    database.require_row_limits()


class TestWithoutTheRole:
    """Login that may not take the role for persons."""

    def test_no_row_is_read_until_the_role_is_there(self, private_url: str) -> None:
        database = Database.for_bind(
            engine_on(private_url),
            role=role_of(PARTS["dropout"].metadata),
            person_role="nobody_made_this",
            person_schemas=PERSON_SCHEMAS["dropout"],
        )
        for _ in range(2):
            with pytest.raises(RowLimitsUnavailable, match="nobody_made_this"):
                database.require_row_limits()
        with (
            rows_limited_to(RowLimit("t1")),
            pytest.raises(RowLimitsUnavailable),
            database.reading() as session,
        ):
            session.execute(text("SELECT 1"))
        with database.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1

    def test_a_database_without_views_refuses_persons(self, private_url: str) -> None:
        database = Database.for_bind(engine_on(private_url))

        with pytest.raises(RowLimitsUnavailable, match="migrate"):
            database.require_row_limits()


def test_a_plain_session_is_for_systems(private_url: str) -> None:
    database = Database.for_bind(engine_on(private_url))

    with rows_limited_to(RowLimit("t1")), pytest.raises(NotForPersons):
        database.get_session()


def test_nothing_of_a_person_is_spooled_and_no_waiting_row_is_shown(tmp_path: Path) -> None:
    with (
        server_to_lose() as (server, key),
        spooling(server.url, key, tmp_path) as client,
    ):
        admit_persons(client.app)
        for id_ in ("s001", "s002"):
            client.post("/api/v1/students", json=a_student(id=id_))
        client.put("/api/v1/people/t1", json={"name": "Emmy Noether", "role": "teacher"})
        client.put("/api/v1/people/t1/students/s001", json={})
        mark = an_assessment()
        assert client.get("/api/v1/students", headers=TEACHER).json()["items"]
        server.stop()
        refused = client.post("/api/v1/assessments", json=mark, headers=TEACHER)
        batch = client.post("/api/v1/assessments/batch", json=[mark], headers=TEACHER)
        spooled = client.post("/api/v1/students", json=a_student(id="s9"))
        waiting = client.get("/api/v1/students/s9", headers=TEACHER)
        assert client.get("/api/v1/students/s9").status_code == 200
        with closing(spool_in(tmp_path)) as spool:
            assert spool.state().waiting == 1
        server.start()

    assert spooled.headers["Veritas-Storage"] == "spool"
    assert [a.status_code for a in (refused, batch, waiting)] == [503, 503, 503]
    assert "s9" not in waiting.text
