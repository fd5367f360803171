"""Answers to persons: rows of their students alone, and no difference to absent ones."""

import re
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from shared_db.row_limits import RowLimit, rows_limited_to
from tests.support.persons import Managers, by
from tests.support.services import routes_of

TEACHER, ADVISOR, OTHER, STUDENT, NOBODY = by("t1"), by("v1"), by("t2"), by("s004"), by("")
SEEN = [
    (TEACHER, ["s001", "s002"]),
    (ADVISOR, ["s003"]),
    (OTHER, []),
    (STUDENT, ["s004"]),
    (NOBODY, []),
    ({}, ["s001", "s002", "s003", "s004"]),
]
LISTS = {
    "staffstuddash": [
        ("students", "id"),
        ("students?search=student", "id"),
        ("students?class_id=5a&person_id=t1", "id"),
        ("performance-records", "student_id"),
        ("actions", "student_id"),
        ("dashboard/teacher", "student_id"),
        ("dashboard/teacher?search=student", "student_id"),
        ("dashboard/teacher?sort=-risk_score", "student_id"),
        ("dashboard/teacher?sort=name", "student_id"),
        ("dashboard/teacher?sort=-mean_percentage", "student_id"),
        ("people/t1/students", "student_id"),
        ("classes/5a/students", "student_id"),
    ],
    "dropout": [
        ("students", "id"),
        ("predictions", "student_id"),
        ("predictions?course=5a", "student_id"),
        ("courses/5a/risks", "student_id"),
        ("courses/5a/risks?view=brief&history=8", "student_id"),
    ],
}
FIGURES = {
    "staffstuddash": [
        "/api/v1/dashboard/cohort",
        "/api/v1/dashboard/cohort?course=5a",
        "/api/v1/analytics/actions?course=5a",
        "/api/v1/analytics/orders?course=5a",
        "/api/v1/analytics/action-weeks",
    ],
    "dropout": [
        "/api/v1/analytics/summary",
        "/api/v1/analytics/feedback",
        "/api/v1/activity?course__in=5a",
    ],
}
# All rows of a student are read, also those that no view shows.
REFUSED = {
    "students/{student_id}/demographics",
    "students/{student_id}/export",
    "students/{student_id}/hold",
}
# Parameters that a route needs.
NEEDED = {
    "/api/v1/analytics/actions": "?course=5a",
    "/api/v1/analytics/orders": "?course=5a",
    "/api/v1/activity": "?course__in=5a",
}
# For persons who see every student.
REVIEWED = {"/api/v1/access", "/api/v1/break-glass", "/api/v1/imports"}
# The student has none.
UNRESTRICTED = {"students/{student_id}/restriction"}
OF_STUDENT = {
    service: [
        path.removeprefix("/api/v1/")
        for method, path in routes_of(service)
        if method == "GET" and "{student_id}" in path
    ]
    for service in LISTS
}


@pytest.fixture(params=LISTS)
def service(request: pytest.FixtureRequest) -> str:
    """Give the name of each service in turn."""
    name: str = request.param
    return name


@pytest.fixture
def client(service: str, request: pytest.FixtureRequest) -> TestClient:
    """Give the client of the service."""
    found: TestClient = request.getfixturevalue(service)
    return found


def students(client: TestClient, path: str, field: str, headers: dict[str, str]) -> list[str]:
    """Return the students of all pages of two rows, in the order of their ids."""
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        more = f"{'&' if '?' in path else '?'}limit=2" + (f"&after={after}" if after else "")
        answer = client.get(f"/api/v1/{path}{more}", headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [row[field] for row in page["items"]]
        after = page["next"]
    return sorted(set(found))


def answered(client: TestClient, path: str, id_: str, headers: dict[str, str]) -> tuple[int, str]:
    """Return status and body of the answer about a student, without the id."""
    answer = client.get(f"/api/v1/{path}".replace("{student_id}", id_), headers=headers)
    body = answer.text.replace(id_, "ID")
    return answer.status_code, re.sub(r'"request_id": ?"[^"]*"', "", body)


def test_lists_have_the_students_of_the_person(client: TestClient, service: str) -> None:
    for path, field in LISTS[service]:
        everybody = set(students(client, path, field, {}))
        for headers, seen in SEEN:
            found = students(client, path, field, headers)
            assert found == sorted(everybody.intersection(seen)), (path, headers)


def test_an_absent_student_and_one_out_of_sight_are_answered_alike(
    client: TestClient, service: str
) -> None:
    assert OF_STUDENT[service]
    for path in OF_STUDENT[service]:
        assert answered(client, path, "s004", TEACHER) == answered(client, path, "s9", TEACHER)
        if path not in REFUSED:
            assert answered(client, path, "s004", TEACHER) == answered(client, path, "s9", {})
            assert answered(client, path, "s004", TEACHER)[0] == 404


def test_a_student_in_sight_is_answered_as_to_a_system(client: TestClient, service: str) -> None:
    for path in OF_STUDENT[service]:
        if path not in REFUSED:
            answer = answered(client, path, "s001", TEACHER)
            assert answer == answered(client, path, "s001", {})
            assert answer[0] == (404 if path in UNRESTRICTED else 200)


def test_tables_that_no_view_shows_are_refused(client: TestClient, service: str) -> None:
    for path in REFUSED.intersection(OF_STUDENT[service]):
        answer = client.get(f"/api/v1/{path.format(student_id='s001')}", headers=TEACHER)
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("not-for-persons")


def test_a_change_of_the_roster_counts_with_the_next_request(staffstuddash: TestClient) -> None:
    path = "/api/v1/classes/5a/students"
    assert staffstuddash.delete(f"{path}/s002").status_code in {200, 204}
    assert students(staffstuddash, "students", "id", TEACHER) == ["s001"]

    assert staffstuddash.put(f"{path}/s004", json={}).status_code in {200, 201}
    assert students(staffstuddash, "students", "id", TEACHER) == ["s001", "s004"]


def test_a_feedback_is_seen_with_its_prediction(dropout: TestClient) -> None:
    def of(id_: str, headers: dict[str, str]) -> Any:
        return dropout.get(f"/api/v1/predictions/{id_}/feedback", headers=headers)

    assert [row["id"] for row in of("p-s001", TEACHER).json()["items"]] == ["k-s001"]
    out_of_sight, absent = of("p-s004", TEACHER), of("p-none", {})
    assert out_of_sight.status_code == absent.status_code == 404
    assert out_of_sight.json()["type"] == absent.json()["type"]


def test_every_other_read_answers(client: TestClient, service: str) -> None:
    for method, path in routes_of(service):
        if method == "GET" and path.startswith("/api/") and "{" not in path:
            needed = path + NEEDED.get(path, "")
            answer = client.get(needed, headers=TEACHER)
            is_refused = needed in FIGURES[service] or path in REVIEWED
            expected = 403 if is_refused else 200
            assert answer.status_code == expected, (path, answer.text)


def test_figures_are_of_the_students_in_sight_from_five_on(
    staffstuddash: TestClient, dropout: TestClient
) -> None:
    clients = {"staffstuddash": staffstuddash, "dropout": dropout}
    paths = [(clients[service], path) for service in FIGURES for path in FIGURES[service]]
    types = [client.get(path, headers=TEACHER).json()["type"] for client, path in paths]
    assert set(types) == {"urn:veritas:problem:group-too-small"}
    assert all(client.get(path).status_code == 200 for client, path in paths)

    for id_ in ("s003", "s005", "s006"):
        staffstuddash.post("/api/v1/students", json={"id": id_, "name": "Later"})
        staffstuddash.put(f"/api/v1/classes/5a/students/{id_}", json={})
    assert all(client.get(path, headers=TEACHER).status_code == 200 for client, path in paths)
    cohort = staffstuddash.get("/api/v1/dashboard/cohort", headers=TEACHER).json()
    assert cohort["student_count"] == 5
    summary = dropout.get("/api/v1/analytics/summary", headers=TEACHER).json()
    assert summary["standings"][0]["predicted"] == 3
    counts = dropout.get("/api/v1/analytics/feedback", headers=TEACHER).json()["by_type"]
    assert counts["ENGAGEMENT"]["accepted"] == 3


def test_a_request_begins_without_the_limit_of_another(staffstuddash: TestClient) -> None:
    """A pipelined request starts in the context of the request before it."""
    with rows_limited_to(RowLimit("t1")):
        assert students(staffstuddash, "students", "id", {}) == ["s001", "s002", "s003", "s004"]
        assert students(staffstuddash, "students", "id", ADVISOR) == ["s003"]


def test_no_statement_of_a_person_starts_parallel_workers(managers: Managers) -> None:
    setting = text("SHOW max_parallel_workers_per_gather")
    database = managers.dropout.database
    with database.reading() as session:
        assert session.scalar(setting) != "0"
    with rows_limited_to(RowLimit("t1")), database.reading() as session:
        assert session.scalar(setting) == "0"
