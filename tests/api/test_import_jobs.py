"""Import jobs over HTTP, on both stores."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.import_jobs.store import MOST_ATTEMPTS
from staffstuddash_service.importing.jobs import run_imports
from staffstuddash_service.models import ImportJob, ImportPiece
from tests.support.rosters import fill

IMPORTS = "/api/v1/imports"
MARKS = "id,student_id,type,subject,score\na1,s001,exam,Math,7\na2,s002,exam,Math,8\n"


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of students s001 to s003 and the class 5a."""
    fill(datastore, students=3)
    return datastore


def send(client: TestClient, table: str | bytes, **parameters: Any) -> Response:
    sent = {"kind": "assessments", **parameters}
    headers = {"Content-Type": "text/csv"}
    return client.post(IMPORTS, params=sent, content=table, headers=headers)


def account(client: TestClient, sent: Response) -> dict[str, Any]:
    assert sent.status_code == 202, sent.text
    found = client.get(f"{IMPORTS}/{sent.json()['id']}")
    assert found.status_code == 200, found.text
    job: dict[str, Any] = found.json()
    return job


def pieces(school: DatastoreManager) -> int:
    with school.database.reading() as session:
        return session.query(ImportPiece).count()


def names(school: DatastoreManager) -> list[str]:
    return [student.name for student in school.students.search()]


def test_a_table_is_stored_in_the_background(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    sent = send(staffstuddash_client, MARKS)
    waiting = account(staffstuddash_client, sent)
    assert (waiting["state"], waiting["rows_read"], waiting["rows_total"]) == ("waiting", 0, None)
    assert school.performance.get("s001").assessment_count == 0
    assert pieces(school) == 1

    assert run_imports(school) == 1
    done = account(staffstuddash_client, sent)

    assert done["state"] == "done"
    assert (done["rows_read"], done["rows_total"], done["stored"]) == (2, 2, 2)
    assert (done["requested_by"], done["encoding"], done["reason"]) == (
        "development",
        "utf-8",
        None,
    )
    assert done["created_at"] <= done["started_at"] <= done["ended_at"]
    assert school.performance.get("s001").assessment_count == 1
    assert pieces(school) == 0
    assert run_imports(school) == 0
    assert staffstuddash_client.get(IMPORTS).json()["items"] == [done]


def test_a_file_sent_again_changes_nothing(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    sent = [send(staffstuddash_client, MARKS) for _ in range(2)]
    assert run_imports(school) == 2

    first, second = (account(staffstuddash_client, one) for one in sent)
    assert (first["stored"], second["stored"], second["repeated"]) == (2, 0, 2)


def test_one_refused_row_stores_nothing(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    table = f"{MARKS}a3,s009,exam,Math,1\na4,s003,exam,Math,x\n"
    sent = send(staffstuddash_client, table)
    run_imports(school)
    job = account(staffstuddash_client, sent)

    assert (job["state"], job["refused"], job["rows_read"]) == ("refused", 2, 4)
    assert [(one["line"], one["column"], one["field"]) for one in job["problems"]] == [
        (4, 2, "student_id"),
        (5, 5, "score"),
    ] or [(one["line"], one["field"]) for one in job["problems"]] == [
        (5, "score"),
        (4, "student_id"),
    ]
    # An account names no student.
    assert "s009" not in str(job)
    assert school.performance.get("s001").assessment_count == 0


def test_a_dry_run_and_an_update_are_as_of_tables(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    parameters = {"map": "id:No,name:First+Last", "kind": "students"}
    table = "No;First;Last\ns001;Ada;King\nn1;Grace;Hopper\n"
    before = names(school)
    refused = send(staffstuddash_client, table, **parameters)
    run_imports(school)
    dry = send(staffstuddash_client, table, **parameters, on_conflict="update", dry_run="true")
    run_imports(school)
    assert names(school) == before
    sent = send(staffstuddash_client, table, **parameters, on_conflict="update")
    run_imports(school)

    assert account(staffstuddash_client, refused)["state"] == "refused"
    for one in (dry, sent):
        job = account(staffstuddash_client, one)
        assert (job["state"], job["stored"], job["changed"]) == ("done", 1, 1)
    assert school.students.get("s001").name == "Ada King"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("name\nAda\n", "no column for the id"),
        ("id,name,wrong\nn1,Ada,x\n", "header"),
        ("id,name\n", "no rows"),
        ('id,name\nn1,"Ada\n', "line 2"),
        ("", "header"),
        (b"id,name\nn1,\xff\x00", "look at line 2"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(
    staffstuddash_client: TestClient, school: DatastoreManager, table: str | bytes, reason: str
) -> None:
    sent = send(staffstuddash_client, table, kind="students")
    run_imports(school)
    job = account(staffstuddash_client, sent)

    assert job["state"] == "refused"
    assert reason in job["reason"]


def test_a_cancelled_import_stores_nothing(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    client = staffstuddash_client
    sent = send(client, MARKS)
    path = f"{IMPORTS}/{sent.json()['id']}"
    cancelled, again = client.delete(path), client.delete(path)

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "failed")
    assert "cancelled" in cancelled.json()["reason"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert (run_imports(school), pieces(school)) == (0, 0)
    assert client.delete(f"{IMPORTS}/none").status_code == 404


def test_a_running_import_is_cancelled(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    sent = send(staffstuddash_client, MARKS)
    taken = school.import_jobs.take()  # as a process that ended since
    assert taken is not None
    running = staffstuddash_client.delete(f"{IMPORTS}/{taken.id}").json()
    run_imports(school)

    assert (running["state"], running["is_cancelled"]) == ("running", True)
    assert account(staffstuddash_client, sent)["state"] == "failed"
    assert school.performance.get("s001").assessment_count == 0


def test_an_interrupted_import_begins_again_at_most_three_times(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    sent, other = send(staffstuddash_client, MARKS), send(staffstuddash_client, MARKS)
    for _ in range(MOST_ATTEMPTS):
        taken = school.import_jobs.take()
        assert taken is not None
        assert taken.id == sent.json()["id"]
    run_imports(school)

    assert account(staffstuddash_client, sent)["state"] == "failed"
    assert account(staffstuddash_client, other)["state"] == "done"


def test_wrong_requests_are_refused_at_once(staffstuddash_client: TestClient) -> None:
    client = staffstuddash_client

    assert send(client, MARKS, kind="grades").status_code == 422
    assert send(client, MARKS, map="nonsense").status_code == 422
    assert client.post(f"{IMPORTS}?kind=students", json=[]).status_code == 415
    assert client.get(IMPORTS).json()["items"] == []


def test_a_table_is_checked_and_then_stored(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    client, before = staffstuddash_client, names(school)
    table = "No;First;Last\nn1;Grace;Hopper\nn2;;\n"
    sent = send(client, table, kind="students", confirm="true")
    path = f"{IMPORTS}/{sent.json()['id']}"
    early = client.patch(path, json={"dry_run": False})
    run_imports(school)
    unmatched = client.get(path).json()
    wrong = client.patch(path, json={"column_map": "number:No", "dry_run": True})

    again = {"column_map": "id:No,name:First+Last", "dry_run": True}
    waiting = client.patch(path, json=again)
    repeated = client.patch(path, json=again)
    run_imports(school)
    refused = client.get(path).json()
    assert pieces(school) == 1
    client.patch(path, json=again)
    taken = school.import_jobs.take()
    assert taken is not None
    cancelled = client.delete(path)
    run_imports(school)

    assert (early.status_code, early.json()["type"]) == (
        409,
        "urn:veritas:problem:import-not-checked",
    )
    assert (unmatched["state"], unmatched["columns"]) == ("checked", ["No", "First", "Last"])
    assert "name is missing" in unmatched["reason"]
    assert wrong.status_code == 422
    assert (waiting.json()["state"], waiting.json()["reason"]) == ("waiting", None)
    assert repeated.headers["Idempotent-Replay"] == "true"
    assert (refused["state"], refused["stored"], refused["refused"]) == ("checked", 1, 1)
    assert refused["reason"] is None
    assert [one["line"] for one in refused["problems"]] == [3]
    assert cancelled.json()["is_cancelled"] is True
    assert client.get(path).json()["state"] == "failed"
    assert client.patch(path, json=again).status_code == 409
    assert (names(school), pieces(school)) == (before, 0)


def test_a_confirmed_table_is_stored(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    client = staffstuddash_client
    sent = send(client, MARKS, confirm="true")
    path = f"{IMPORTS}/{sent.json()['id']}"
    run_imports(school)
    checked = client.get(path).json()
    assert (checked["state"], checked["stored"], checked["rows_total"]) == ("checked", 2, 2)
    assert school.performance.get("s001").assessment_count == 0
    client.patch(path, json={"dry_run": False})
    run_imports(school)
    stored = client.get(path).json()

    assert (stored["state"], stored["stored"], stored["columns"]) == ("done", 2, None)
    assert school.performance.get("s001").assessment_count == 1
    assert pieces(school) == 0


def test_a_checked_table_does_not_wait_for_ever(
    staffstuddash_client: TestClient, school: DatastoreManager
) -> None:
    sent = send(staffstuddash_client, MARKS, confirm="true")
    run_imports(school)
    with school.database.unit_of_work() as session:
        job = session.get_one(ImportJob, sent.json()["id"])
        job.started_at = utc_now() - timedelta(hours=3)
    run_imports(school)

    found = account(staffstuddash_client, sent)
    assert (found["state"], pieces(school)) == ("failed", 0)
    assert "confirmed" in found["reason"]
