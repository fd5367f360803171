"""Writes of persons: rows of their students, refused for all others, and nothing by default."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, text, update
from starlette.testclient import TestClient

from shared_db.errors import NotForPersons
from shared_db.row_limits import RowLimit, rows_limited_to
from staffstuddash_service import models
from staffstuddash_service.errors import StudentNotFound
from tests.row_limits.rows import counts
from tests.support.factories import (
    NOON,
    a_concept,
    a_draft,
    a_learning_event,
    a_student,
    an_action,
    an_assessment,
)
from tests.support.persons import Managers, by
from tests.support.services import routes_of

TEACHER = by("t1")
REASON = {"reason": "typing error"}
MARK = {"type": "quiz", "subject": "Math", "score": 7, "max_score": 10}
# Writes of rows of one student, by service: path and body.
OF_ONE: dict[str, list[tuple[str, Callable[[str], dict[str, Any]]]]] = {
    "staffstuddash": [
        ("assessments", lambda id_: an_assessment(id=f"new-{id_}", student_id=id_)),
        ("students/{id}/actions", lambda _id: an_action()),
        ("students/{id}/answers", lambda _id: {"text": "I was ill."}),
        ("students/{id}/drafts", lambda id_: a_draft(id=f"new-{id_}")),
    ],
    "dropout": [
        ("assessments", lambda id_: {"id": f"new-{id_}", "student_id": id_, **MARK}),
        ("students/{id}/features", lambda id_: {"id": f"new-{id_}"}),
        ("students/{id}/predictions", lambda id_: {"id": f"new-{id_}"}),
    ],
}


@pytest.mark.parametrize("service", OF_ONE)
class TestRowsOfOneStudent:
    """Rows that a person stores of a student."""

    def test_they_are_stored_for_a_student_in_sight(
        self, service: str, request: pytest.FixtureRequest
    ) -> None:
        client: TestClient = request.getfixturevalue(service)
        for path, body in OF_ONE[service]:
            url = f"/api/v1/{path.format(id='s001')}"
            answer = client.post(url, json=body("s001"), headers=TEACHER)
            assert answer.status_code in {201, 422}, answer.text
            if answer.status_code == 422:
                assert answer.json()["type"].endswith("not-assessable")

    def test_a_student_out_of_sight_is_answered_as_an_absent_one(
        self, service: str, request: pytest.FixtureRequest, managers: Managers
    ) -> None:
        client: TestClient = request.getfixturevalue(service)
        before = counts(managers, service)
        for path, body in OF_ONE[service]:
            answers = [
                client.post(f"/api/v1/{path.format(id=id_)}", json=body(id_), headers=TEACHER)
                for id_ in ("s004", "absent")
            ]
            known, absent = (
                {**answer.json(), "request_id": None, "student_id": None} for answer in answers
            )
            assert str(known).replace("s004", "absent") == str(absent)
            assert known["status"] == 404
        assert counts(managers, service) == before

    def test_every_other_write_is_refused_and_stores_nothing(
        self, service: str, request: pytest.FixtureRequest, managers: Managers
    ) -> None:
        client: TestClient = request.getfixturevalue(service)
        before = counts(managers, service)
        for method, path, body in OTHERS[service]:
            answer = client.request(method, f"/api/v1/{path}", json=body, headers=TEACHER)
            assert answer.status_code == 403, (method, path, answer.text)
            assert answer.json()["type"].endswith("not-for-persons")
        assert counts(managers, service) == before


# Of systems alone; and of persons, in test_break_glass.py.
ELSEWHERE = {"merge", "break-glass"}
OTHERS: dict[str, list[tuple[str, str, Any]]] = {
    "staffstuddash": [
        ("POST", "students", a_student(id="s9")),
        ("POST", "students/batch", [a_student(id="s9")]),
        ("PUT", "students/s001", {"name": "Other"}),
        ("PATCH", "students/s001", {"name": "Other"}),
        ("DELETE", "students/s001", None),
        ("POST", "students/s001/merge", {"into": "s002"}),
        ("PUT", "students/s001/restriction", {}),
        ("DELETE", "students/s001/restriction", None),
        ("POST", "concepts", a_concept()),
        ("PUT", "people/t1/students/s004", {}),
        ("PUT", "classes/5a/students/s004", {}),
        ("PUT", "classes/5b/staff/t1", {}),
        ("PUT", "students/s001/demographics", {"sex": "f"}),
        ("PUT", "students/s001/guardians", {"items": [{"id": "g9", "name": "Anne"}]}),
        ("POST", "terms/2026/close", None),
    ],
    "dropout": [
        ("POST", "events", a_learning_event(id="e9")),
        ("POST", "events/batch", [a_learning_event(id="e9")]),
        ("POST", "students", a_student(id="s9")),
        ("PATCH", "students/s001", {"name": "Other"}),
    ],
}


class TestChangesOfMarks:
    """Corrections and deletions of marks by their id."""

    @pytest.mark.parametrize(
        ("service", "mark"), [("staffstuddash", "m-{}-1"), ("dropout", "n-{}")]
    )
    def test_only_those_of_students_in_sight_are_found(
        self, service: str, mark: str, request: pytest.FixtureRequest, managers: Managers
    ) -> None:
        client: TestClient = request.getfixturevalue(service)
        path = "/api/v1/assessments/"
        before = counts(managers, service)
        for id_ in (mark.format("s004"), "absent"):
            change = {"score": 5, **REASON}
            changed = client.patch(path + id_, json=change, headers=TEACHER)
            deleted = client.delete(path + id_, params=REASON, headers=TEACHER)
            for answer in (changed, deleted):
                assert answer.status_code == 404
                assert answer.json()["type"].endswith("assessment-not-found")
        assert counts(managers, service) == before

        change = {"score": 5, **REASON}
        own = path + mark.format("s001")
        assert client.patch(own, json=change, headers=TEACHER).json()["score"] == 5
        assert client.delete(own, params=REASON, headers=TEACHER).status_code == 200

    def test_an_id_of_a_mark_out_of_sight_is_a_conflict_without_content(
        self, staffstuddash: TestClient
    ) -> None:
        body = an_assessment(id="m-s004-1", student_id="s001")
        answer = staffstuddash.post("/api/v1/assessments", json=body, headers=TEACHER)

        assert answer.status_code == 409
        assert "s004" not in answer.text.replace("m-s004-1", "")
        assert {*answer.json()} == {
            "type",
            "title",
            "status",
            "detail",
            "request_id",
            "assessment_id",
        }


def test_feedback_is_stored_on_predictions_of_students_in_sight(dropout: TestClient) -> None:
    def give(prediction: str) -> Any:
        path = f"/api/v1/predictions/{prediction}/feedback"
        return dropout.post(path, json={"verdict": "accepted"}, headers=TEACHER)

    assert give("p-s001").status_code == 201
    assert give("p-s004").status_code == give("absent").status_code == 404
    assert give("p-s004").json()["type"] == give("absent").json()["type"]


@pytest.mark.parametrize("of", [None, []])
@pytest.mark.parametrize(
    "statement",
    [
        update(models.Student).values(email=None),
        insert(models.Deletion).values(pseudonym="x", deleted_at=NOON),
        delete(models.ConceptModule),
        text("UPDATE staffstuddash.students SET email = NULL"),
        text("SELECT 1 FROM staffstuddash.students"),
        text("CREATE TABLE staffstuddash_seen.mine (n int)"),
        text("SELECT 1 FROM access.api_keys"),
    ],
    ids=str,
)
def test_code_that_names_no_student_can_write_nothing(
    managers: Managers, statement: Executable, of: list[str] | None
) -> None:
    database = managers.staffstuddash.database
    with (
        rows_limited_to(RowLimit("t1")),
        pytest.raises(NotForPersons),
        database.unit_of_work(of=of) as session,
    ):
        session.execute(statement)


def test_a_write_works_as_the_service_for_students_in_sight_only(managers: Managers) -> None:
    database = managers.staffstuddash.database
    with rows_limited_to(RowLimit("t1")):
        with database.unit_of_work(of=["s001", "s002"]) as session:
            session.execute(update(models.Student).values(email=None))
        with (
            pytest.raises(StudentNotFound, match="s004"),
            database.unit_of_work(of=["s001", "s004"]),
        ):
            pytest.fail("the unit of work began")


def test_a_former_id_leads_to_a_student_in_sight(
    staffstuddash: TestClient, dropout: TestClient, managers: Managers
) -> None:
    managers.staffstuddash.merging.merge("s004", "s001", actor="office")
    managers.dropout.merging.merge("s004", "s001")
    for client in (staffstuddash, dropout):
        body = {"student_id": "s004", **MARK}
        stored = client.post("/api/v1/assessments", json=body, headers=TEACHER)
        assert stored.json().get("student_id") == "s001", stored.text
        other = client.post("/api/v1/assessments", json=body, headers=by("v1"))
        assert other.status_code == 404
        moved = client.get("/api/v1/students/s004", headers=TEACHER, follow_redirects=False)
        assert moved.status_code == 308
        assert client.get("/api/v1/students/s004", headers=by("v1")).status_code == 404


def test_every_write_is_tested() -> None:
    """Writes that a person may do are listed here, all others are refused."""
    names = {path.split("/")[-1] for routes in OF_ONE.values() for path, _ in routes}
    for service in OF_ONE:
        for method, path in routes_of(service):
            last = path.split("/")[-1]
            if method == "POST" and "{student_id}" in path and last not in ELSEWHERE:
                assert last in names
