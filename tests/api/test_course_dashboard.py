"""Teacher's dashboard of one course or of named students, with the last actions."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK
from tests.support.factories import NOON, days
from tests.support.rosters import a_class, an_enrolment, outcomes, today

TEACHER = "/api/v1/dashboard/teacher"
STUDENTS = "/api/v1/students"


@pytest.fixture
def client(staffstuddash_client: TestClient, datastore: DatastoreManager) -> TestClient:
    """Give a client of a school: s1 and s2 are in class 5a, s3 has left it, s4 was never in it."""
    for number in range(1, 5):
        datastore.add_student(f"s{number}", f"Pupil {number}")
    outcomes(datastore, a_class("5a", course_id=None, organisation_id=None, term_ids=()))
    outcomes(
        datastore,
        an_enrolment("e1", student_id="s1"),
        an_enrolment("e2", student_id="s2"),
        an_enrolment("e3", student_id="s3", valid_to=today(-1)),
    )
    return staffstuddash_client


def rows(client: TestClient, **parameters: Any) -> dict[str, dict[str, Any]]:
    answer = client.get(TEACHER, params=parameters)
    assert answer.status_code == 200, answer.text
    return {item["student_id"]: item for item in answer.json()["items"]}


def act(client: TestClient, student_id: str, action: str, day: int, **fields: Any) -> str:
    moment = (utc_now() - days(9 - day)).isoformat()
    body = {"action": action, "timestamp": moment, **fields}
    answer = client.post(f"{STUDENTS}/{student_id}/actions", json=body)
    assert answer.status_code == 201, answer.text
    id_: str = answer.json()["id"]
    return id_


def test_students_are_found_by_many_ids(client: TestClient) -> None:
    ids = [f"x{number}" for number in range(998)]
    found = client.get(STUDENTS, params={"id__in": ",".join(["s4", "s2", *ids])})
    repeated = client.get(STUDENTS, params=[("id__in", "s1"), ("id__in", "s3")])
    too_many = client.get(STUDENTS, params={"id__in": ",".join(["s4", "s2", "y", *ids])})

    assert [item["id"] for item in found.json()["items"]] == ["s2", "s4"]
    assert [item["id"] for item in repeated.json()["items"]] == ["s1", "s3"]
    assert too_many.status_code == 422
    assert client.get(STUDENTS, params={"id__in": ""}).status_code == 422
    assert list(rows(client, student_id__in="s3,s9,s1")) == ["s1", "s3"]


def test_a_class_is_a_course_of_its_students(client: TestClient) -> None:
    found = rows(client, course="5a")

    assert list(found) == ["s1", "s2"]
    assert rows(client, course="5a", student_id__in="s2,s4").keys() == {"s2"}
    assert rows(client, course="none") == {}


def test_rows_have_the_last_action_and_the_planned_ones(client: TestClient) -> None:
    act(client, "s1", "call", 1)
    act(client, "s1", "talk", 2)
    withdrawn = act(client, "s1", "mistake", 3)
    client.patch(f"/api/v1/actions/{withdrawn}", json={"state": "withdrawn"})
    client.patch(f"{STUDENTS}/s1", json={"name": "Other"})
    act(client, "s2", "note", 1, is_intervention=False)
    for day in (2, 3):
        last = act(client, "s2", "visit", day, state="planned")
    found = rows(client)

    talk = found["s1"]["last_action"]
    assert (talk["action"], talk["state"], talk["actor"]) == ("talk", "done", "development")
    assert found["s1"]["planned_count"] == 0
    assert found["s2"]["last_action"]["state"] == "planned"
    assert found["s2"]["planned_count"] == 2
    assert (found["s3"]["last_action"], found["s3"]["planned_count"]) == (None, 0)

    done = client.patch(f"/api/v1/actions/{last}", json={"state": "done"}).json()
    changed = rows(client, student_id__in="s2")["s2"]
    assert changed["last_action"]["timestamp"] == done["done_at"]
    assert changed["planned_count"] == 1


class TestRiskInCourse:
    """Risk in the course that was asked for; the in-memory store has none."""

    @pytest.fixture
    def risky(self, postgres: Database) -> Iterator[TestClient]:
        datastore, dropout = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
        for id_ in ("s1", "s2", "s3"):
            datastore.add_student(id_, "Pupil")
        for id_, course, risk in (
            ("s1", "art", 0.2),
            ("s1", "bio", 0.9),
            ("s2", "art", 0.6),
            ("s3", "bio", 0.1),
        ):
            dropout.predictions.add(None, id_, "SILENT", risk, as_of=NOON, course=course)
        app = create_app(datastore, Settings(environment="development"))
        with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
            yield client

    def test_only_its_students_are_listed(self, risky: TestClient) -> None:
        art = rows(risky, course="art", sort="-risk_score")
        bio = rows(risky, course="bio", sort="-risk_score", limit=1)

        assert [(id_, row["risk"]["score"]) for id_, row in art.items()] == [
            ("s2", 0.6),
            ("s1", 0.2),
        ]
        assert {row["risk"]["course"] for row in art.values()} == {"art"}
        assert [(id_, row["risk"]["score"]) for id_, row in bio.items()] == [("s1", 0.9)]
        assert rows(risky, course="art", risk_score__gt=0.5).keys() == {"s2"}
        assert rows(risky)["s1"]["risk"]["course"] == "bio"

    def test_a_restricted_student_has_none(self, risky: TestClient) -> None:
        risky.put(f"{STUDENTS}/s2/restriction", json={"reason": "objection"})

        assert rows(risky, course="art").keys() == {"s1"}
