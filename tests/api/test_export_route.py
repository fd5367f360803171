"""Routes of the export: a download for administrators, and refusals as elsewhere."""

import io
from zipfile import ZipFile

from starlette.testclient import TestClient

from tests.support.factories import a_learning_event, a_student


def opened(content: bytes) -> ZipFile:
    return ZipFile(io.BytesIO(content))


def test_the_export_of_staffstuddash_is_a_download(staffstuddash_client: TestClient) -> None:
    client, student = staffstuddash_client, "/api/v1/students/s001"
    client.post("/api/v1/students", json=a_student())

    answer = client.get(f"{student}/export")
    head = client.head(f"{student}/export")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="staffstuddash-export.zip"'
    )
    assert int(answer.headers["content-length"]) == len(answer.content)
    with opened(answer.content) as archive:
        assert archive.testzip() is None
        assert "Ada Lovelace" in archive.read("students.json").decode()
    assert (head.status_code, head.content) == (200, b"")
    actions = client.get(f"{student}/actions").json()["items"]
    assert {(action["action"], action["actor"]) for action in actions} == {
        ("student.exported", "development")
    }


def test_the_export_of_dropout_is_a_download(dropout_client: TestClient) -> None:
    dropout_client.post("/api/v1/events", json=a_learning_event(question_id="q-marked"))

    answer = dropout_client.get("/api/v1/students/s001/export")

    assert answer.status_code == 200
    with opened(answer.content) as archive:
        assert "q-marked" in archive.read("learning_events.json").decode()


def test_an_unknown_student_is_refused(
    staffstuddash_client: TestClient, dropout_client: TestClient
) -> None:
    for client in (staffstuddash_client, dropout_client):
        answer = client.get("/api/v1/students/nobody/export")

        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:veritas:problem:student-not-found"


def test_erased_and_merged_students_are_refused(staffstuddash_client: TestClient) -> None:
    client = staffstuddash_client
    for id_ in ("gone", "former", "present"):
        client.post("/api/v1/students", json=a_student(id=id_))
    client.delete("/api/v1/students/gone")
    client.post("/api/v1/students/former/merge", json={"into": "present"})

    erased = client.get("/api/v1/students/gone/export")
    merged = client.get("/api/v1/students/former/export", follow_redirects=False)

    assert (erased.status_code, merged.status_code) == (410, 308)
    assert merged.headers["location"].endswith("/api/v1/students/present/export")
