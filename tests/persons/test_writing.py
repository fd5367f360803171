"""Writes of persons: rows of their students, refused for all others, and nothing by default."""

from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from dropout_service import models as dropout_models
from staffstuddash_service import models
from tests.persons.conftest import STUDENTS
from tests.support.factories import (
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
# Writes of rows of one student, by service: path, body, and the rows that they add.
OF_ONE = {
    "staffstuddash": [
        ("assessments", lambda id_: an_assessment(id=f"new-{id_}", student_id=id_)),
        ("students/{id}/actions", lambda _id: an_action()),
        ("students/{id}/drafts", lambda id_: a_draft(id=f"new-{id_}")),
    ],
    "dropout": [
        ("assessments", lambda id_: {"id": f"new-{id_}", "student_id": id_, **MARK}),
        ("students/{id}/features", lambda id_: {"id": f"new-{id_}"}),
        ("students/{id}/predictions", lambda id_: {"id": f"new-{id_}"}),
    ],
}
MARK = {"type": "quiz", "subject": "Math", "score": 7, "max_score": 10}
TABLES = {
    "staffstuddash": (models.AssessmentLog, models.ActionLog, models.Draft, models.Student),
    "dropout": (
        dropout_models.Assessment,
        dropout_models.FeatureSet,
        dropout_models.DropoutPrediction,
        dropout_models.PredictionFeedback,
        dropout_models.LearningEvent,
        dropout_models.MarkCorrection,
    ),
}


def counts(managers: Managers, service: str) -> list[int]:
    """Return the numbers of rows of the tables that a person might write."""
    manager = getattr(managers, service)
    with manager.database.reading() as session:
        queries = (select(func.count()).select_from(table) for table in TABLES[service])
        return [session.scalar(query) or 0 for query in queries]


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


OTHERS: dict[str, list[tuple[str, str, Any]]] = {
    "staffstuddash": [
        ("POST", "students", a_student(id="s9")),
        ("POST", "students/batch", [a_student(id="s9")]),
        ("PUT", "students/s001", {"name": "Other"}),
        ("PATCH", "students/s001", {"name": "Other"}),
        ("DELETE", "students/s001", None),
        ("POST", "students/s001/merge", {"into": "s002"}),
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


class TestBatches:
    """Batches and tables of marks, whose items are answered one by one."""

    @pytest.mark.parametrize("count", [1, 6])
    def test_items_are_refused_as_those_of_absent_students(
        self, staffstuddash: TestClient, managers: Managers, count: int
    ) -> None:
        ids = [*STUDENTS, "absent"]
        items = [
            an_assessment(id=f"b-{id_}-{n}", student_id=id_) for id_ in ids for n in range(count)
        ]
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post("/api/v1/assessments/batch", json=items, headers=TEACHER)

        body = answer.json()
        assert (body["stored"], body["refused"]) == (2 * count, 3 * count)
        reasons = {
            str(one["errors"]).replace(items[one["index"]]["student_id"], "ID")
            for one in body["items"]
            if one["outcome"] == "refused"
        }
        assert len(reasons) == 1, reasons
        assert counts(managers, "staffstuddash")[0] == before[0] + 2 * count

    @pytest.mark.parametrize("conflict", ["refuse", "update"])
    def test_rows_of_a_table_too(
        self, staffstuddash: TestClient, managers: Managers, conflict: str
    ) -> None:
        ids = [*STUDENTS, "absent"]
        lines = [f"c-{id_},{id_},quiz,Math,5" for id_ in ids]
        table = "\n".join(["id,student_id,type,subject,score", *lines])
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post(
            "/api/v1/assessments/csv",
            params={"on_conflict": conflict},
            content=table,
            headers={**TEACHER, "content-type": "text/csv"},
        )

        assert answer.status_code == 200, answer.text
        assert counts(managers, "staffstuddash")[0] == before[0] + 2, answer.text

    def test_tables_of_other_kinds_are_refused(
        self, staffstuddash: TestClient, managers: Managers
    ) -> None:
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post(
            "/api/v1/students/csv",
            content="id,name\ns9,Nine",
            headers={**TEACHER, "content-type": "text/csv"},
        )

        assert answer.status_code == 403, answer.text
        assert counts(managers, "staffstuddash") == before


def test_feedback_is_stored_on_predictions_of_students_in_sight(dropout: TestClient) -> None:
    def give(prediction: str) -> Any:
        path = f"/api/v1/predictions/{prediction}/feedback"
        return dropout.post(path, json={"verdict": "accepted"}, headers=TEACHER)

    assert give("p-s001").status_code == 201
    assert give("p-s004").status_code == give("absent").status_code == 404
    assert give("p-s004").json()["type"] == give("absent").json()["type"]


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
            if method == "POST" and "{student_id}" in path and path.split("/")[-1] != "merge":
                assert path.split("/")[-1] in names
