"""Requests of persons while PostgreSQL is away, and after the role for persons was taken away."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.connection.roles import person_role_name, seen_schema
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from tests.row_limits.rows import counts
from tests.support.databases import engine_on
from tests.support.outage import server_to_lose, spool_in, spooling
from tests.support.persons import Managers, by, person_client
from tests.support.rosters import a_teaching, an_enrolment, fill, outcomes
from tests.support.server import role_prefix

SERVICES = ("staffstuddash", "dropout")
API = "/api/v1"
MARK = {"student_id": "s001", "type": "quiz", "subject": "Math", "score": 7}
READS = {
    "staffstuddash": ["/students", "/students/s001/performance", "/dashboard/teacher", "/actions"],
    "dropout": ["/students", "/students/s001/events", "/predictions", "/courses/5a/risks"],
}
TABLE = "student_id,type,subject,score\ns001,quiz,Math,7"
WRITES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "staffstuddash": [
        ("/assessments", {"json": MARK}),
        ("/assessments/batch", {"json": [MARK]}),
        ("/assessments/csv", {"content": TABLE, "headers": {"content-type": "text/csv"}}),
        ("/students/s001/actions", {"json": {"action": "call"}}),
    ],
    "dropout": [
        ("/assessments", {"json": MARK}),
        ("/students/s001/features", {"json": {}}),
        ("/students/s001/predictions", {"json": {}}),
    ],
}


def school(bind: Any) -> Managers:
    """Store a teacher with one student in two services."""
    managers = Managers.on(bind)
    fill(managers.staffstuddash)
    outcomes(managers.staffstuddash, an_enrolment())
    outcomes(managers.staffstuddash, a_teaching())
    managers.dropout.students.add("s001")
    return managers


def answers(client: Any, service: str, headers: dict[str, str]) -> list[tuple[int, str]]:
    """Return status and kind of each answer to a teacher."""
    found = [client.get(f"{API}{path}", headers=headers) for path in READS[service]]
    for path, request in WRITES[service]:
        own = {**headers, **request.get("headers", {})}
        found.append(client.post(f"{API}{path}", **{**request, "headers": own}))
    return [(answer.status_code, answer.json()["type"].split(":")[-1]) for answer in found]


def test_nothing_of_a_person_is_spooled(tmp_path: Path) -> None:
    with server_to_lose() as (server, _), ExitStack() as stack:
        school(engine_on(server.url))
        keys = KeyManager(Database.for_bind(engine_on(server.url)))
        page = keys.add_key("page", [Permission.ACT_AS])
        clients = {
            service: stack.enter_context(spooling(server.url, page, tmp_path / service, service))
            for service in SERVICES
        }
        teacher = {"Veritas-On-Behalf-Of": "t1"}
        for client in clients.values():
            assert client.get(f"{API}/students/s001", headers=teacher).status_code == 200
        server.stop()
        try:
            found = {name: answers(client, name, teacher) for name, client in clients.items()}
            unknown = clients["dropout"].get(
                f"{API}/students", headers={"Veritas-On-Behalf-Of": "s002"}
            )
            for service in SERVICES:
                with closing(spool_in(tmp_path / service, service)) as spool:
                    assert spool.state().waiting == 0, service
        finally:
            server.start()

    for service in SERVICES:
        assert set(found[service]) == {(503, "database-unavailable")}, found
    assert unknown.status_code == 503


@pytest.mark.parametrize("service", SERVICES)
def test_persons_are_refused_once_the_role_is_taken_away(service: str, private_url: str) -> None:
    engine = engine_on(private_url)
    managers = school(engine)
    schema, role = seen_schema(service), person_role_name(role_prefix(), service)
    path, teacher = f"{API}/students/s001", by("t1")
    with person_client(service, getattr(managers, service)) as client:
        assert client.get(path, headers=teacher).status_code == 200
        with engine.begin() as connection:
            connection.execute(text(f"REVOKE USAGE ON SCHEMA {schema} FROM {role}"))
        before = counts(managers, service)
        assert set(answers(client, service, teacher)) == {(501, "row-limits-unavailable")}
        assert counts(managers, service) == before
        assert client.get(path).status_code == 200

        with engine.begin() as connection:
            connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
        assert client.get(path, headers=teacher).status_code == 200


def test_a_role_that_is_gone_is_asked_for_again(private_url: str) -> None:
    managers = school(engine_on(private_url))
    database = managers.dropout.database
    with person_client("dropout", managers.dropout) as client:
        path, teacher = f"{API}/students/s001", by("t1")
        assert client.get(path, headers=teacher).status_code == 200
        name, database.store.person_role.name = database.store.person_role.name, "gone"
        gone = client.get(path, headers=teacher)
        database.store.person_role.name = name
        assert client.get(path, headers=teacher).status_code == 200
    assert gone.status_code == 501
    assert gone.json()["type"] == "urn:veritas:problem:row-limits-unavailable"
