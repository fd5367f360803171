"""Routes of the services under the address of the pages."""

import gzip
import json

import pytest
from sqlalchemy import Connection
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from tests.api.pages.conftest import OWN, OpenPages, sign_in

API = "/api/staffstuddash/api/v1"
STUDENTS = f"{API}/students"
ON_BEHALF_OF = "Veritas-On-Behalf-Of"
MARK = {"student_id": "s001", "type": "quiz", "subject": "Math", "score": 7}


@pytest.fixture
def teacher(open_pages: OpenPages, school: DatastoreManager) -> TestClient:
    """Give the pages with the session of a teacher without students."""
    client = open_pages()
    sign_in(client, school)
    return client


@pytest.fixture
def system(connection: Connection) -> dict[str, str]:
    """Give the headers of a system."""
    keys = KeyManager(Database.for_bind(connection, role="none"))
    return {"Authorization": f"Bearer {keys.add_key('lms', [Scope.READ, Scope.WRITE])}"}


def test_a_session_calls_in_the_name_of_its_person(teacher: TestClient) -> None:
    me = teacher.get(f"{API}/me", headers={ON_BEHALF_OF: "p-advisor"})

    assert (me.json()["name"], me.json()["through"]) == ("p-teacher", "web")
    assert teacher.get(STUDENTS).json()["items"] == []
    assert "set-cookie" not in me.headers
    assert me.headers["cache-control"] == "no-store"
    head = teacher.head(f"{API}/me")
    assert (head.status_code, head.text) == (200, "")


def test_nobody_calls_without_a_session_or_a_key(open_pages: OpenPages) -> None:
    answer = open_pages().get(STUDENTS)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:veritas:problem:unauthenticated"


def test_a_key_is_passed_on_unchanged(
    teacher: TestClient, system: dict[str, str], key: str
) -> None:
    me = teacher.get(f"{API}/me", headers=system)
    wrong = teacher.get(f"{API}/me", headers={"Authorization": "Bearer wrong"})
    acting = {"Authorization": f"Bearer {key}", ON_BEHALF_OF: "p-advisor"}

    assert (me.json()["name"], me.json()["kind"]) == ("lms", "system")
    assert wrong.status_code == 401
    assert teacher.get(f"{API}/me", headers=acting).json()["name"] == "p-advisor"


def test_only_our_own_pages_change_something_by_a_session(
    teacher: TestClient, system: dict[str, str]
) -> None:
    path = "/api/staffstuddash/api/v1/people/p-teacher/sign-outs"

    assert teacher.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    refused = teacher.post(path)
    assert refused.json()["type"] == "urn:veritas:problem:foreign-page"
    assert teacher.post(path, headers=OWN).json() == {"session_revision": 1}
    # A key comes with no page.
    assert teacher.post(f"{API}/assessments", json=MARK, headers=system).status_code == 201


def test_bodies_go_both_ways(teacher: TestClient, system: dict[str, str]) -> None:
    marks = [{**MARK, "id": f"m{number}"} for number in range(2000)]
    packed = gzip.compress(json.dumps(marks).encode())
    path = f"{API}/assessments/batch"
    headers = {**system, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    stored = teacher.post(path, content=packed, headers=headers)
    read = teacher.get(f"{STUDENTS}/s001/assessments?limit=1000", headers=system)

    assert stored.json()["stored"] == 2000
    assert len(read.json()["items"]) == 1000
    assert int(read.headers.get("content-length", 0)) != 0 or read.content


def test_a_body_is_limited_before_it_reaches_a_service(
    open_pages: OpenPages, system: dict[str, str]
) -> None:
    client = open_pages(max_batch_bytes=2048, max_body_bytes=1024)
    answer = client.post(f"{API}/assessments/batch", content=b"[" + b" " * 4096, headers=system)

    assert (answer.status_code, answer.json()["type"]) == (413, "urn:veritas:problem:too-large")


def test_the_id_of_a_request_and_its_redirects_are_kept(
    teacher: TestClient, school: DatastoreManager, system: dict[str, str]
) -> None:
    school.students.add_many([])
    answer = teacher.get(f"{API}/me", headers={**system, "X-Request-ID": "mine"})

    assert answer.headers.get_list("x-request-id") == ["mine"]
    unknown = teacher.get(f"{STUDENTS}/nobody", headers={**system, "X-Request-ID": "mine"})
    assert (unknown.status_code, unknown.json()["request_id"]) == (404, "mine")


@pytest.mark.parametrize(
    "path",
    [
        "/api/postgres/api/v1/students",
        "/api/staffstuddash/livez",
        "/api/staffstuddash/docs",
        "/api/staffstuddash/api/v1/../../livez",
        "/api/staffstuddash/api/v1/%2e%2e/%2E./livez",
        "/api/staffstuddash//api/v1/students",
        "/api/",
    ],
)
def test_nothing_else_is_reached(teacher: TestClient, path: str) -> None:
    answer = teacher.get(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:veritas:problem:not-found"


def test_ids_are_passed_on_as_they_were_sent(teacher: TestClient, system: dict[str, str]) -> None:
    created = teacher.post(STUDENTS, json={"id": "a%b ü", "name": "Ada"}, headers=system)
    read = teacher.get(f"{STUDENTS}/a%25b%20%C3%BC", headers=system)

    assert created.status_code == 201, created.text
    assert read.json()["id"] == "a%b ü"


def test_the_description_of_a_service_is_passed_on(teacher: TestClient) -> None:
    assert "/api/v1/students" in teacher.get("/api/staffstuddash/openapi.json").json()["paths"]


def test_a_service_that_is_away_is_a_problem(
    open_pages: OpenPages, school: DatastoreManager, system: dict[str, str]
) -> None:
    client = open_pages(away=("dropout",))
    answer = client.get("/api/dropout/api/v1/courses", headers=system)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:veritas:problem:service-away"
    sign_in(client, school)
    assert client.get("/").status_code == 200
