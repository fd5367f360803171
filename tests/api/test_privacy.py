"""Logs without personal data: whatever is sent, and whatever fails."""

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
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}

Logged = Callable[[], str]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Logged:
    """Give a function that returns all that was logged, at level DEBUG, and printed."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx2")  # the client of the test itself

    def everything() -> str:
        captured = capsys.readouterr()
        return caplog.text + captured.out + captured.err + str([vars(r) for r in caplog.records])

    return everything


@pytest.fixture
def client(datastore: DatastoreManager) -> TestClient:
    """Give a client of an app that also logs SQL statements."""
    app = create_app(datastore, Settings(environment="development", debug=True))
    app.state.prepare()
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def test_staffstuddash_does_not_log_what_is_sent(client: TestClient, logged: Logged) -> None:
    own, assessments = f"{STUDENTS}/{MARK}", "/api/v1/assessments"
    marked, table = a_student(id=MARK, name=MARK), f"{STUDENTS}/csv"
    attempts = {
        client.post(STUDENTS, json=marked): 201,
        client.post(STUDENTS, json={**marked, "name": f"{MARK} other"}): 409,
        client.post(STUDENTS, json=a_student(name=MARK, **{MARK: MARK})): 422,
        client.post(STUDENTS, content=f'{{"name": "{MARK}', headers=JSON): 422,
        client.post(assessments, json=an_assessment(student_id=MARK, score=MARK)): 422,
        client.post(assessments, json=an_assessment(student_id=f"{MARK}2")): 404,
        client.get(f"{own}2"): 404,
        client.get(f"/{MARK}"): 404,
        client.get(STUDENTS, params={"after": MARK}): 422,
        client.get(STUDENTS, params={"search": MARK}): 200,
        client.get(STUDENTS, headers={"X-Request-ID": f"{MARK} {MARK}"}): 200,
        client.request(MARK, STUDENTS): 405,
        client.post(f"{STUDENTS}/batch", json=[marked, {"name": MARK, "x": MARK}]): 200,
        client.post(table, content=f"name\n{MARK}\n".encode(), headers=CSV): 200,
        client.post(table, content=f"{MARK}\n{MARK}\n".encode(), headers=CSV): 422,
        client.post(table, content=f'name\n"{MARK}\n'.encode(), headers=CSV): 422,
        client.patch(own, json={"name": f"{MARK} Smith"}): 200,
        client.patch(own, json={"name": "", "email": MARK}): 422,
        client.post(f"{own}/drafts", json=a_draft(content=MARK)): 201,
        client.post(f"{own}/drafts", json=a_draft(content=f"{MARK} again")): 409,
        client.post(f"{own}/actions", json=an_action(data={"about": MARK})): 201,
        client.post(f"{own}/actions", json=an_action(action=MARK)): 422,
        client.get("/api/v1/dashboard/teacher", params={"sort": "name", "after": MARK}): 422,
        client.get(f"/api/v1/dashboard/student/{MARK}"): 200,
        client.delete(own): 200,
        client.get(own): 410,
    }

    assert [answer.status_code for answer in attempts] == list(attempts.values())
    found = logged()
    assert "/api/v1/students/{student_id}/drafts" in found
    assert MARK not in found


def test_monitoring_does_not_log_what_is_sent(
    monitoring_client: TestClient, logged: Logged
) -> None:
    client, base = monitoring_client, "/api/v1/monitoring"
    logs, events, rules = f"{base}/logs", f"{base}/events", f"{base}/rules/{MARK}"
    event = a_system_event(event_id=MARK, source=MARK, data={"name": MARK})
    attempts = {
        client.post(events, json=event): 201,
        client.post(events, json={**event, "message": MARK}): 409,
        client.post(events, json={**event, MARK: MARK}): 422,
        client.post(f"{events}/batch", json=[{MARK: MARK}]): 200,
        client.get(logs, params={MARK: MARK}): 422,
        client.get(logs, params={"timestamp__gte": MARK}): 422,
        client.get(logs, params={f"data.{MARK}__gt": MARK}): 422,
        client.get(logs, params={"q": MARK, "after": MARK}): 422,
        client.post(f"{logs}/query", json={"filter": {"status": MARK, MARK: MARK}}): 422,
        client.get(f"{logs}/{MARK}2"): 404,
        client.put(rules, json={"thresholds": {MARK: MARK}}): 422,
        client.delete(rules): 404,
    }

    assert [answer.status_code for answer in attempts] == list(attempts.values())
    assert MARK not in logged()


def test_an_unexpected_error_is_logged_without_its_text(
    client: TestClient, datastore: DatastoreManager, logged: Logged
) -> None:
    # Without the table, the exception has the statement with its parameters.
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


def test_a_database_error_of_a_manager_has_no_parameters(
    db_manager: DropoutDatabaseManager,
) -> None:
    table = "learning_events" if db_manager.use_fallback else "dropout.learning_events CASCADE"
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(f"DROP TABLE {table}"))

    with pytest.raises(Exception, match="learning_events") as failure:
        db_manager.add_learning_event(None, MARK, None, "NAVIGATION", data={"name": MARK})

    assert MARK not in str(failure.value)
