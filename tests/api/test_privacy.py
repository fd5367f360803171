"""Personal data appear in no log, after success or failure."""

import logging
from collections.abc import Callable

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK, become_owner
from tests.support.factories import a_draft, a_student, a_system_event, an_action, an_assessment

MARK = "Xanthippe"
STUDENTS = "/api/v1/students"
MONITORING = "/api/v1/monitoring"
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}


@pytest.fixture
def client(datastore: DatastoreManager) -> TestClient:
    """Give a client whose app logs as in production, SQL statements too."""
    app = create_app(datastore, Settings(environment="development", debug=True))
    app.state.prepare()
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """Give a function that returns everything logged since the test began."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client

    def collect() -> str:
        captured = capsys.readouterr()
        records = str([vars(record) for record in caplog.records])
        return caplog.text + captured.out + captured.err + records

    return collect


def test_refusals_do_not_log_the_request(client: TestClient, logged: Callable[[], str]) -> None:
    attempts = [
        client.post(STUDENTS, json=a_student(id=MARK, name=MARK)),
        client.post(STUDENTS, json=a_student(id=MARK, name=f"{MARK} other")),
        client.post(STUDENTS, json=a_student(name=MARK, **{MARK: MARK})),
        client.post(STUDENTS, content=f'{{"name": "{MARK}', headers=JSON),
        client.post("/api/v1/assessments", json=an_assessment(student_id=MARK, score=MARK)),
        client.post("/api/v1/assessments", json=an_assessment(student_id=f"{MARK}2")),
        client.get(f"{STUDENTS}/{MARK}2"),
        client.get(f"/{MARK}"),
        client.get(STUDENTS, params={"after": MARK}),
        client.get(STUDENTS, headers={"X-Request-ID": f"{MARK} {MARK}"}),
        client.request(MARK, STUDENTS),
    ]

    expected = [201, 409, 422, 422, 422, 404, 404, 404, 422, 200, 405]
    assert [answer.status_code for answer in attempts] == expected
    assert MARK not in logged()


def test_routes_of_staffstuddash_do_not_log_the_request(
    client: TestClient, logged: Callable[[], str]
) -> None:
    own = f"{STUDENTS}/{MARK}"
    attempts = [
        client.post(f"{STUDENTS}/batch", json=[a_student(id=MARK), {"name": MARK, "x": MARK}]),
        client.post(f"{STUDENTS}/csv", content=f"name\n{MARK}\n".encode(), headers=CSV),
        client.post(f"{STUDENTS}/csv", content=f"{MARK}\n{MARK}\n".encode(), headers=CSV),
        client.post(f"{STUDENTS}/csv", content=f'name\n"{MARK}\n'.encode(), headers=CSV),
        client.get(STUDENTS, params={"search": MARK}),
        client.patch(own, json={"name": MARK}),
        client.patch(own, json={"name": "", "email": MARK}),
        client.post(f"{own}/drafts", json=a_draft(content=MARK)),
        client.post(f"{own}/drafts", json=a_draft(content=f"{MARK} again")),
        client.post(f"{own}/actions", json=an_action(data={"about": MARK})),
        client.post(f"{own}/actions", json=an_action(action=MARK)),
        client.get("/api/v1/dashboard/teacher", params={"sort": "name", "after": MARK}),
        client.get(f"/api/v1/dashboard/student/{MARK}"),
        client.delete(own),
        client.get(own),
    ]

    expected = [200, 200, 422, 422, 200, 200, 422, 201, 409, 201, 422, 422, 200, 200, 410]
    assert [answer.status_code for answer in attempts] == expected
    found = logged()
    assert "/api/v1/students/{student_id}/drafts" in found
    assert MARK not in found


def test_routes_of_the_roster_do_not_log_the_request(
    client: TestClient, logged: Callable[[], str]
) -> None:
    own, person = f"{STUDENTS}/{MARK}", f"/api/v1/people/{MARK}"
    account = {"system": MARK, "kind": "account", "value": MARK}
    attempts = [
        client.post(STUDENTS, json=a_student(id=MARK)),
        client.post(STUDENTS, json=a_student()),
        client.put(person, json={"name": MARK, "email": f"{MARK}@school.example"}),
        client.put(person, json={"name": MARK, "organisation_ids": [MARK]}),
        client.put(f"{person}/students/{MARK}", json={}),
        client.put(f"{person}/students/{MARK}2", json={}),
        client.put(f"{own}/guardians", json={"items": [{"id": MARK, "name": MARK}]}),
        client.put(f"{own}/identifiers", json={"items": [account]}),
        client.put(f"{STUDENTS}/s001/identifiers", json={"items": [account]}),
        client.put(f"{own}/demographics", json={"sex": MARK, "attributes": {MARK: MARK}}),
        client.get("/api/v1/people", params={"name": MARK}),
        client.get(f"/api/v1/classes/{MARK}/students"),
    ]

    expected = [201, 201, 201, 422, 201, 404, 200, 200, 409, 201, 200, 404]
    assert [answer.status_code for answer in attempts] == expected
    assert MARK not in logged()


def test_routes_of_monitoring_do_not_log_the_request(
    monitoring_client: TestClient, logged: Callable[[], str]
) -> None:
    client, logs, events = monitoring_client, f"{MONITORING}/logs", f"{MONITORING}/events"
    event = a_system_event(event_id=MARK, source=MARK, data={"name": MARK})
    attempts = [
        client.post(events, json=event),
        client.post(events, json={**event, "message": MARK}),
        client.post(events, json={**event, MARK: MARK}),
        client.post(f"{events}/batch", json=[{MARK: MARK}]),
        client.get(logs, params={MARK: MARK}),
        client.get(logs, params={"timestamp__gte": MARK}),
        client.get(logs, params={f"data.{MARK}__gt": MARK}),
        client.get(logs, params={"q": MARK, "after": MARK}),
        client.post(f"{logs}/query", json={"filter": {"status": MARK, MARK: MARK}}),
        client.get(f"{logs}/{MARK}2"),
        client.put(f"{MONITORING}/rules/{MARK}", json={"thresholds": {MARK: MARK}}),
        client.delete(f"{MONITORING}/rules/{MARK}"),
    ]

    expected = [201, 409, 422, 200, 422, 422, 422, 422, 422, 404, 422, 404]
    assert [answer.status_code for answer in attempts] == expected
    assert MARK not in logged()


def test_an_unexpected_error_logs_its_place_and_no_values(
    client: TestClient, datastore: DatastoreManager, logged: Callable[[], str]
) -> None:
    # A dropped table: the exception holds the statement with its parameters.
    table = "assessment_logs" if datastore.use_fallback else "staffstuddash.assessment_logs CASCADE"
    client.post(STUDENTS, json=a_student(id=MARK, name=MARK))
    with datastore.database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(f"DROP TABLE {table}"))

    answer = client.post("/api/v1/assessments", json=an_assessment(student_id=MARK, topic=MARK))

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert MARK not in answer.text
    found = logged()
    assert "unexpected error" in found
    assert answer.json()["request_id"] in found
    assert MARK not in found


def test_a_database_error_of_a_manager_holds_no_parameters(
    db_manager: DropoutDatabaseManager,
) -> None:
    table = "learning_events" if db_manager.use_fallback else "dropout.learning_events CASCADE"
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(f"DROP TABLE {table}"))

    with pytest.raises(Exception, match="learning_events") as failure:
        db_manager.events.add(None, MARK, None, "NAVIGATION", data={"name": MARK})

    assert MARK not in str(failure.value)
