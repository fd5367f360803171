"""Break-glass: a student outside of a person's rights, opened for a day and on record."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import text, update
from starlette.testclient import TestClient

from shared_db.audit.verification import verify_reads
from shared_db.clock import utc_now
from shared_web.principals import Permission, Person, Principal
from staffstuddash_service.models import BreakGlass
from tests.support.audits import stored_reads
from tests.support.factories import an_action
from tests.support.persons import Managers, by

TEACHER, ADVISOR = by("t1"), by("v1")
REASON = {"reason": "crisis call, the class teacher is away"}


def opened(client: TestClient, headers: dict[str, str] = TEACHER, id_: str = "s003") -> Response:
    """Return the answer to the opening of a student."""
    path = f"/api/v1/students/{id_}/break-glass"
    return client.post(path, json=REASON, headers=headers)


def openings(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/break-glass", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def students(client: TestClient, headers: dict[str, str] = TEACHER) -> list[str]:
    items = client.get("/api/v1/students", headers=headers).json()["items"]
    return [item["id"] for item in items]


def test_an_opened_student_is_in_sight_in_both_services(
    staffstuddash: TestClient, dropout: TestClient
) -> None:
    before = dropout.get("/api/v1/students/s003/predictions/latest", headers=TEACHER)
    answer = opened(staffstuddash)

    assert answer.status_code == 201, answer.text
    begins, ends = (datetime.fromisoformat(answer.json()[f"{n}_at"]) for n in ("begins", "ends"))
    assert ends - begins == timedelta(hours=24)
    after = dropout.get("/api/v1/students/s003/predictions/latest", headers=TEACHER)
    assert (before.status_code, after.status_code) == (404, 200)
    assert students(staffstuddash) == students(dropout) == ["s001", "s002", "s003"]
    action = staffstuddash.post("/api/v1/students/s003/actions", json=an_action(), headers=TEACHER)
    assert action.status_code == 201
    assert students(staffstuddash, ADVISOR) == ["s003"]
    assert students(staffstuddash, by("t2")) == []


def test_an_opening_ends_by_itself(
    staffstuddash: TestClient, dropout: TestClient, managers: Managers
) -> None:
    opened(staffstuddash)
    with managers.staffstuddash.database.unit_of_work() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(BreakGlass).values(ends_at=past))

    assert students(staffstuddash) == students(dropout) == ["s001", "s002"]
    again = opened(staffstuddash)
    assert again.status_code == 201
    assert "idempotent-replay" not in again.headers


def test_repeating_an_opening_extends_nothing(staffstuddash: TestClient) -> None:
    first = opened(staffstuddash)
    again = opened(staffstuddash)

    assert again.headers["idempotent-replay"] == "true"
    assert again.json() == first.json()
    assert len(openings(staffstuddash)) == 1


def test_openings_are_listed_and_in_the_action_log(staffstuddash: TestClient) -> None:
    for student in ("s003", "s004"):
        opened(staffstuddash, id_=student)

    listed = [(row["person_id"], row["student_id"]) for row in openings(staffstuddash)]
    actions = staffstuddash.get("/api/v1/students/s003/actions").json()["items"]
    [logged] = [one for one in actions if one["action"] == "break-glass.opened"]

    assert listed == [("t1", "s004"), ("t1", "s003")]
    assert openings(staffstuddash, limit=1)[0]["reason"] == REASON["reason"]
    assert (logged["actor"], logged["data"]["reason"]) == ("t1", REASON["reason"])


@pytest.mark.parametrize("reason", ["too short", "          x        ", "a" * 501])
def test_a_reason_has_10_to_500_characters(staffstuddash: TestClient, reason: str) -> None:
    answer = staffstuddash.post(
        "/api/v1/students/s003/break-glass", json={"reason": reason}, headers=TEACHER
    )

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["reason"]
    assert openings(staffstuddash) == []


@pytest.mark.parametrize(
    ("headers", "student", "status", "problem"),
    [
        (TEACHER, "s999", 404, "student-not-found"),
        (TEACHER, "s001", 409, "student-in-sight"),
        (by("s004"), "s003", 403, "break-glass-for-staff"),
        (by(""), "s003", 403, "break-glass-for-staff"),
        ({}, "s003", 409, "break-glass-not-needed"),
    ],
)
def test_others_are_refused_and_nothing_is_stored(
    staffstuddash: TestClient, headers: dict[str, str], student: str, status: int, problem: str
) -> None:
    answer = opened(staffstuddash, headers, student)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:veritas:problem:{problem}")
    assert openings(staffstuddash) == []


def test_an_erased_student_is_gone(staffstuddash: TestClient) -> None:
    opened(staffstuddash)
    removed = staffstuddash.delete("/api/v1/students/s003").json()["removed"]

    assert removed["break_glass"] == 1
    assert opened(staffstuddash).status_code == 410


def test_a_person_with_limited_sight_lists_no_openings(staffstuddash: TestClient) -> None:
    answer = staffstuddash.get("/api/v1/break-glass", headers=TEACHER)

    assert answer.json()["type"].endswith("not-for-persons")


@pytest.mark.parametrize("headers", [TEACHER, {}])
def test_the_person_and_a_reviewer_end_an_opening(
    staffstuddash: TestClient, dropout: TestClient, headers: dict[str, str]
) -> None:
    path = f"/api/v1/break-glass/{opened(staffstuddash).json()['id']}"
    first, again = (staffstuddash.delete(path, headers=headers) for _ in range(2))

    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotent-replay"] == "true"
    assert students(staffstuddash) == students(dropout) == ["s001", "s002"]
    assert openings(staffstuddash)[0]["ended_by"] == ("t1" if headers else "system")


def test_another_person_ends_nothing(staffstuddash: TestClient) -> None:
    path = f"/api/v1/break-glass/{opened(staffstuddash).json()['id']}"

    for headers in (ADVISOR, by("s003"), by("")):
        assert staffstuddash.delete(path, headers=headers).status_code == 404
    assert "s003" in students(staffstuddash)


def test_an_opening_follows_a_merge(staffstuddash: TestClient, managers: Managers) -> None:
    opened(staffstuddash)
    managers.staffstuddash.merging.merge("s003", "s004")

    assert students(staffstuddash) == ["s001", "s002", "s004"]


@pytest.mark.parametrize(("sees_all", "status"), [(True, 200), (False, 403)])
def test_a_principal_without_further_permissions_lists_openings(
    staffstuddash: TestClient, monkeypatch: pytest.MonkeyPatch, *, sees_all: bool, status: int
) -> None:
    opened(staffstuddash)
    principal = Principal(
        "head", frozenset({Permission.STUDENTS_READ}), Person("head", ("principal",), sees_all)
    )

    async def caller(*_: object) -> Principal:
        return principal

    authenticator = staffstuddash.app.state.authenticator  # type: ignore[attr-defined] # FastAPI's
    monkeypatch.setattr(authenticator, "principal", caller)

    assert staffstuddash.get("/api/v1/break-glass").status_code == status


def test_reads_under_an_opening_are_marked(
    staffstuddash: TestClient, dropout: TestClient, managers: Managers
) -> None:
    staffstuddash.get("/api/v1/students/s001", headers=TEACHER)
    id_ = opened(staffstuddash).json()["id"]
    staffstuddash.get("/api/v1/students", headers=TEACHER)
    staffstuddash.get("/api/v1/students/s003", headers=ADVISOR)
    dropout.get("/api/v1/students/s003/predictions/latest", headers=TEACHER)
    stored = {
        client: stored_reads(client, manager)
        for client, manager in (
            (staffstuddash, managers.staffstuddash),
            (dropout, managers.dropout),
        )
    }

    assert [list((row["openings"] or {}).values()) for row in stored[staffstuddash]] == [
        [],
        [id_],
        [],
    ]
    assert [list(row["openings"].values()) for row in stored[dropout]] == [[id_]]
    for student, marks in {"s001": [None, None], "s003": [None, id_]}.items():
        listed = staffstuddash.get(f"/api/v1/students/{student}/reads").json()["items"]
        assert [read["break_glass_id"] for read in listed] == marks
    [reviewed] = openings(staffstuddash)
    assert reviewed["read_count"] == 2
    last = datetime.fromisoformat(reviewed["last_read_at"])
    assert last == stored[dropout][-1]["read_at"]
    with managers.staffstuddash.database.unit_of_work() as session:
        connection = session.connection()
        connection.execute(text("SET LOCAL ROLE none"))
        for schema in ("staffstuddash", "dropout"):
            assert verify_reads(connection, schema).faults == []
        connection.execute(text("UPDATE dropout.reads SET openings = NULL"))
        assert len(verify_reads(connection, "dropout").faults) == 1
        session.rollback()


def test_each_reviewer_acknowledges_an_opening(
    staffstuddash: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = opened(staffstuddash).json()["id"]
    path = f"/api/v1/break-glass/{id_}/acknowledge"

    def notices(name: str) -> int:
        rights = frozenset({Permission.STUDENTS_READ})

        async def caller(*_: object) -> Principal:
            return Principal(name, rights, Person(name, ("principal",), sees_all=True))

        authenticator = staffstuddash.app.state.authenticator  # type: ignore[attr-defined] # FastAPI's
        monkeypatch.setattr(authenticator, "principal", caller)
        found: int = staffstuddash.get("/api/v1/me").json()["notices"]
        return found

    assert (notices("deputy"), notices("head")) == (1, 1)
    assert len(openings(staffstuddash, acknowledged=False)) == 1
    first, again = (staffstuddash.post(path) for _ in range(2))
    assert (first.status_code, first.json()["by"]) == (200, "head")
    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert (notices("deputy"), notices("head")) == (1, 0)
    assert openings(staffstuddash, acknowledged=False) == []
    assert openings(staffstuddash, acknowledged=True)[0]["acknowledgements"] == [first.json()]
    assert staffstuddash.post("/api/v1/break-glass/x/acknowledge").status_code == 404


def test_a_person_with_limited_sight_acknowledges_nothing(staffstuddash: TestClient) -> None:
    path = f"/api/v1/break-glass/{opened(staffstuddash).json()['id']}/acknowledge"

    assert staffstuddash.post(path, headers=TEACHER).json()["type"].endswith("not-for-persons")
    assert staffstuddash.get("/api/v1/me", headers=TEACHER).json()["notices"] == 0
    assert openings(staffstuddash)[0]["acknowledgements"] == []
