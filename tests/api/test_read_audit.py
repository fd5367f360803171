"""Audit of reads through HTTP, on both stores: rows, purposes, refusals, and a student's list."""

import io
import json
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from shared_db.audit.rows import MAX_NAMED, token_of
from shared_db.pseudonyms import pseudonym_of
from shared_web.audit.recording import purpose_of
from shared_web.problems import InvalidRequest
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from tests.support.audits import audited_client, by, rows_of, stored_reads

STUDENT = "/api/v1/students/s001"
READS = f"{STUDENT}/reads"
TEMPLATE = "/api/v1/students/{student_id}"


@pytest.fixture
def client(datastore: DatastoreManager) -> Iterator[TestClient]:
    """Give a client of staffstuddash with two students."""
    datastore.add_student("s001", "Ada")
    datastore.add_student("s002", "Grace")
    with audited_client("staffstuddash", datastore) as client:
        yield client


def person_of(store: DatastoreManager, id_: str, role: str) -> dict[str, str]:
    """Return the headers of a person; those with limited sight need PostgreSQL."""
    if store.use_fallback and role not in ("admin", "principal"):
        pytest.skip("persons with limited sight need PostgreSQL")
    return by(id_, role)


def test_a_read_of_a_person_is_recorded(client: TestClient, datastore: DatastoreManager) -> None:
    answer = client.get(STUDENT, headers=by("p1", "principal") | {"Veritas-Purpose": "a talk"})
    [row] = stored_reads(client, datastore)
    [subject] = rows_of(datastore, "read_subjects")

    assert answer.status_code == 200
    assert (row["caller"], row["kind"], row["roles"]) == ("p1", "person", ["principal"])
    assert (row["through"], row["route"]) == ("page", TEMPLATE)
    assert (row["students"], row["purpose"]) == (1, "a talk")
    assert (subject["student_id"], subject["read_as"]) == ("s001", "s001")
    assert row["tokens"] == [subject["token"]] == [token_of("s001", subject["salt"])]
    assert "s001" not in str(row)


def test_a_read_of_a_system_is_recorded(client: TestClient, datastore: DatastoreManager) -> None:
    client.get(f"{STUDENT}/performance")
    [row] = stored_reads(client, datastore)

    assert (row["caller"], row["kind"], row["roles"]) == ("dashboard", "system", [])
    assert row["through"] is None


def test_a_page_is_recorded_with_its_students(
    client: TestClient, datastore: DatastoreManager
) -> None:
    first = client.get("/api/v1/students?limit=1").json()
    client.get(f"/api/v1/dashboard/teacher?after={first['next']}")
    client.get("/api/v1/students", params={"after": first["next"]})
    rows = stored_reads(client, datastore)

    assert [row["students"] for row in rows] == [1, 1]
    assert [row["read_as"] for row in rows_of(datastore, "read_subjects")] == ["s001", "s002"]


def test_a_large_page_names_the_first_students(
    client: TestClient, datastore: DatastoreManager
) -> None:
    datastore.students.add_many(
        [StudentToStore(f"t{number:03}", "Name" * 40, None) for number in range(MAX_NAMED + 100)]
    )
    client.get("/api/v1/students?limit=1000")
    [row] = stored_reads(client, datastore)

    assert (row["students"], len(row["tokens"])) == (MAX_NAMED + 102, MAX_NAMED)
    assert len(rows_of(datastore, "read_subjects")) == MAX_NAMED


@pytest.mark.parametrize(
    "path", ["/api/v1/students/unknown", "/api/v1/concepts", "/api/v1/students?limit=0"]
)
def test_refusals_and_answers_without_students_are_not_recorded(
    client: TestClient, datastore: DatastoreManager, path: str
) -> None:
    client.get(path)

    assert stored_reads(client, datastore) == []


@pytest.mark.parametrize("purpose", ["", "x" * 201])
def test_a_purpose_that_cannot_be_stored_is_refused(
    client: TestClient, datastore: DatastoreManager, purpose: str
) -> None:
    answer = client.get(STUDENT, headers={"Veritas-Purpose": purpose})

    assert (answer.status_code, "200 characters" in answer.text) == (422, True)
    assert stored_reads(client, datastore) == []


def test_a_purpose_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        purpose_of(Headers(raw=[(b"veritas-purpose", b"\xff")]))


def test_a_repeated_purpose_is_refused(client: TestClient) -> None:
    headers = [("Veritas-Purpose", "one"), ("Veritas-Purpose", "two")]

    assert client.get(STUDENT, headers=headers).status_code == 422


def test_a_purpose_is_text_in_utf_8(client: TestClient, datastore: DatastoreManager) -> None:
    purpose = "Gespräch 面談"
    client.get(STUDENT, headers=[(b"veritas-purpose", purpose.encode())])

    assert stored_reads(client, datastore)[0]["purpose"] == purpose


def test_the_reads_of_a_student_are_pages(client: TestClient, datastore: DatastoreManager) -> None:
    for _ in range(3):
        client.get(STUDENT, headers=by("p1", "principal"))
    stored_reads(client, datastore)
    first = client.get(f"{READS}?limit=2").json()
    last = client.get(READS, params={"limit": 2, "after": first["next"]}).json()

    assert [len(first["items"]), len(last["items"])] == [2, 1]
    assert first["items"][0]["read_at"] >= first["items"][1]["read_at"]
    assert last["items"][-1]["caller"] == "p1"
    assert last["items"][-1]["route"] == TEMPLATE
    assert client.get(f"{READS}?after=x").status_code == 422
    assert client.get("/api/v1/students/unknown/reads").status_code == 404


def test_students_see_their_own_reads_without_names(
    client: TestClient, datastore: DatastoreManager
) -> None:
    headers = person_of(datastore, "s001", "student")
    client.get(STUDENT, headers=by("p1", "principal") | {"Veritas-Purpose": "a talk"})
    client.get(STUDENT, headers=headers)
    rows = stored_reads(client, datastore)
    seen = client.get(READS, headers=headers).json()["items"]

    assert [read["roles"] for read in seen] == [["student"], ["principal"]]
    assert [read["kind"] for read in seen] == ["student", "person"]
    for hidden in ("caller", "through", "route", "students", "purpose"):
        assert [read[hidden] for read in seen] == [None, None]
    assert rows[1]["caller"] == rows[1]["tokens"][0]
    assert client.get("/api/v1/students/s002/reads", headers=headers).status_code == 403


def test_a_teacher_sees_no_reads(client: TestClient, datastore: DatastoreManager) -> None:
    answer = client.get(READS, headers=person_of(datastore, "t1", "teacher"))

    assert answer.status_code == 403
    assert "`audit.read`" in answer.json()["detail"]


def test_erased_students_cannot_be_found_in_the_rows(
    client: TestClient, datastore: DatastoreManager
) -> None:
    client.get(STUDENT, headers=by("p1", "principal"))
    before = stored_reads(client, datastore)
    client.get(STUDENT, headers=by("p1", "principal"))  # in a file, it waits during the erasure
    client.delete(STUDENT)
    after = stored_reads(client, datastore)

    assert before[0] == after[0]
    assert len(after) == 2
    assert rows_of(datastore, "read_subjects") == []
    assert "s001" not in str(after)
    assert pseudonym_of("s001") not in str(after)


def test_a_merge_moves_the_reads(client: TestClient, datastore: DatastoreManager) -> None:
    client.get(STUDENT)
    stored_reads(client, datastore)
    client.get(STUDENT)  # in a file, it waits during the merge
    merged = client.post(f"{STUDENT}/merge", json={"into": "s002"})
    stored_reads(client, datastore)
    listed = client.get("/api/v1/students/s002/reads").json()["items"]

    assert merged.status_code == 200
    assert [read["route"] for read in listed] == [TEMPLATE, TEMPLATE]
    subjects = rows_of(datastore, "read_subjects")
    assert [row["read_as"] for row in subjects[:2]] == ["s001", "s001"]
    assert {row["student_id"] for row in subjects} == {"s002"}


def test_an_export_has_the_reads(client: TestClient, datastore: DatastoreManager) -> None:
    client.get(STUDENT, headers=by("p1", "principal"))
    client.get("/api/v1/students/s002", headers=by("p2", "principal"))
    stored_reads(client, datastore)
    exported = client.get(f"{STUDENT}/export").content

    assert _json_of(exported, "reads")[0]["caller"] == "p1"
    assert len(_json_of(exported, "reads")) == 1
    assert [row["student_id"] for row in _json_of(exported, "read_subjects")] == ["s001"]


def test_dropout_records_reads_and_computations(db_manager: DropoutDatabaseManager) -> None:
    db_manager.students.add("s001")
    db_manager.predictions.add("p1", "s001", "ENGAGEMENT", 0.6)
    with audited_client("dropout", db_manager) as client:
        headers = by("p1", "principal")
        client.post("/api/v1/predictions/p1/feedback", json={"verdict": "accepted"})
        client.get("/api/v1/predictions/p1/feedback", headers=headers)
        computed = client.post(f"{STUDENT}/features", json={}, headers=headers)
        rows = stored_reads(client, db_manager)
        listed = client.get(READS, headers=headers).json()["items"]

    assert computed.status_code == 201
    assert [row["route"] for row in rows] == [
        "/api/v1/predictions/{prediction_id}/feedback",
        f"{TEMPLATE}/features",
    ]
    assert [read["caller"] for read in listed[-2:]] == ["p1", "p1"]


def _json_of(content: bytes, table: str) -> list[dict[str, Any]]:
    with ZipFile(io.BytesIO(content)) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(f"{table}.json")]
        found = json.loads(archive.read(name))
    return list(found)
