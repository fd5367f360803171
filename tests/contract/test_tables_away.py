"""Tables while PostgreSQL is away: new rows are spooled, changes and dry runs are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.outage import server_to_lose, settled, spooling

API = "/api/v1"
MARKS = "id,student_id,type,subject,score"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[tuple[Any, TestClient]]:
    """Give a server to stop, and a client of a service that spools."""
    with server_to_lose() as (server, key), spooling(server.url, key, tmp_path) as client:
        assert client.get(f"{API}/students").status_code == 200
        yield server, client


def send(client: TestClient, kind: str, table: str, **parameters: Any) -> Any:
    headers = {"content-type": "text/csv"}
    return client.post(f"{API}/{kind}/csv", content=table, headers=headers, params=parameters)


def test_only_new_rows_are_accepted(client: tuple[Any, TestClient]) -> None:
    server, service = client
    assert send(service, "students", "id,name\ns1,Ada\n").json()["stored"] == 1
    server.stop()

    students = send(service, "students", "id,name\ns2,Grace\n")
    marks = send(service, "assessments", f"{MARKS}\na1,s2,exam,Math,70\n")
    others = [
        send(service, "students", "id,name\ns1,Ada King\n", on_conflict="update"),
        send(service, "students", "id,name\ns3,Alan\n", dry_run=True),
        send(service, "assessments", f"{MARKS}\na1,s2,exam,Math,71\n", on_conflict="update"),
        send(service, "people", "id,name\nt1,Emmy\n"),
    ]

    for answer in (students, marks):
        assert (answer.status_code, answer.headers["Veritas-Storage"]) == (200, "spool")
        assert (answer.json()["stored"], answer.json()["pending"]) == (1, True)
    assert [answer.status_code for answer in others] == [503] * 4

    server.start()
    assert settled(service)
    repeated = send(service, "students", "id,name\ns1,Ada\ns2,Grace\n", on_conflict="update")
    assert repeated.json()["repeated"] == 2
    changed = send(service, "assessments", f"{MARKS}\na1,s2,exam,Math,71\n", on_conflict="update")
    assert changed.json()["changed"] == 1
