"""Deletion of a student over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from shared_db.pseudonyms import pseudonym_of
from tests.support.factories import a_draft, a_student, an_action, an_assessment

STUDENTS = "/api/v1/students"
ADA = f"{STUDENTS}/s001"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student, who has rows in most tables."""
    staffstuddash_client.post(STUDENTS, json=a_student())
    staffstuddash_client.post("/api/v1/assessments", json=an_assessment())
    staffstuddash_client.post(f"{ADA}/drafts", json=a_draft())
    staffstuddash_client.post(f"{ADA}/actions", json=an_action(data={"note": "Ada"}))
    return staffstuddash_client


def test_deleting_returns_the_rows_removed_by_table(client: TestClient) -> None:
    answer = client.delete(ADA)

    assert answer.status_code == 200
    assert answer.json() == {
        "pseudonym": pseudonym_of("s001"),
        "removed": {
            "students": 1,
            "drafts": 1,
            "assessment_logs": 1,
            "concept_standings": 0,
            "performance_records": 1,
            "aliases": 0,
            "action_logs": 1,
            "enrolments": 0,
            "advising_assignments": 0,
            "guardians": 0,
            "student_identifiers": 0,
            "student_demographics": 0,
            "holds": 0,
            "read_subjects": 0,
            "student_restrictions": 0,
            "break_glass": 0,
            "mails": 0,
        },
    }


def test_deleting_again_is_a_replay(client: TestClient) -> None:
    client.delete(ADA)
    again = client.delete(ADA)

    assert again.status_code == 200
    assert again.headers["Idempotent-Replay"] == "true"
    assert set(again.json()["removed"].values()) == {0}


def test_deleting_an_unknown_student_is_refused_and_changes_nothing(client: TestClient) -> None:
    assert client.delete(f"{STUDENTS}/nobody").status_code == 404
    assert client.post(STUDENTS, json=a_student(id="nobody")).status_code == 201


def test_every_route_answers_that_the_student_is_gone(client: TestClient) -> None:
    client.delete(ADA)
    attempts = [
        client.get(ADA),
        client.patch(ADA, json={"name": "Ada"}),
        client.post(STUDENTS, json=a_student()),
        client.get(f"{ADA}/drafts"),
        client.post(f"{ADA}/drafts", json=a_draft()),
        client.get(f"{ADA}/assessments"),
        client.post("/api/v1/assessments", json=an_assessment()),
        client.get(f"{ADA}/performance"),
        client.get(f"{ADA}/actions"),
        client.post(f"{ADA}/actions", json=an_action()),
        client.get("/api/v1/dashboard/student/s001"),
    ]

    assert {answer.status_code for answer in attempts} == {410}
    assert {answer.json()["type"] for answer in attempts} == {"urn:veritas:problem:student-gone"}


def test_no_list_shows_a_deleted_student(client: TestClient) -> None:
    client.delete(ADA)

    for path in (STUDENTS, "/api/v1/performance-records", "/api/v1/dashboard/teacher"):
        assert client.get(path).json() == {"items": [], "next": None}
    cohort = client.get("/api/v1/dashboard/cohort").json()
    assert cohort["student_count"] == 0
    assert cohort["mean_progress"] is None
    actions = client.get("/api/v1/actions").json()["items"]
    assert {action["student_id"] for action in actions} == {pseudonym_of("s001")}
    assert {str(action["data"]) for action in actions} == {"None"}
