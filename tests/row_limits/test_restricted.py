"""Restricted students in a person's sight: shown without judgement, in no list of risks."""

from starlette.testclient import TestClient

from tests.support.persons import Managers, by

TEACHER = by("t1")


def test_a_person_sees_a_restricted_student_without_risk(
    staffstuddash: TestClient, dropout: TestClient, managers: Managers
) -> None:
    managers.staffstuddash.restrictions.put("s001", actor="office")

    rows = staffstuddash.get("/api/v1/dashboard/teacher", headers=TEACHER).json()["items"]
    risks = dropout.get("/api/v1/predictions", headers=TEACHER).json()["items"]
    latest = dropout.get("/api/v1/students/s001/predictions/latest", headers=TEACHER)

    reasons = {row["student_id"]: row["risk_missing_because"] for row in rows}
    assert reasons == {"s001": "not assessed on request", "s002": None}
    assert [row["student_id"] for row in risks] == ["s002"]
    assert latest.json()["type"].endswith("student-restricted")


def test_a_former_id_of_a_restricted_student_is_restricted_to_a_person(
    dropout: TestClient, managers: Managers
) -> None:
    managers.staffstuddash.restrictions.put("s001", actor="office")
    managers.staffstuddash.merging.merge("s002", "s001")

    answer = dropout.get("/api/v1/predictions", headers=TEACHER)

    assert answer.json()["items"] == []


def test_a_person_with_limited_sight_restricts_nobody(staffstuddash: TestClient) -> None:
    answer = staffstuddash.put("/api/v1/students/s001/restriction", json={}, headers=TEACHER)

    assert answer.json()["type"].endswith("not-for-persons")
