"""Personal data appear in no log, whatever goes wrong."""

import logging

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK, become_owner
from tests.support.factories import a_student, an_assessment

MARK = "Xanthippe"
STUDENTS = "/api/v1/students"
JSON = {"content-type": "application/json"}


@pytest.fixture
def client(datastore: DatastoreManager) -> TestClient:
    """Give a client whose app logs as in production."""
    app = create_app(datastore, Settings(environment="development", debug=True))
    app.state.prepare()
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def everything_logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return caplog.text + captured.out + captured.err + str([vars(r) for r in caplog.records])


def test_no_error_path_logs_what_was_sent(
    client: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client
    stored = client.post(STUDENTS, json=a_student(id=MARK, name=MARK))
    attempts = [
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

    assert stored.status_code == 201
    assert [a.status_code for a in attempts] == [409, 422, 422, 422, 404, 404, 404, 422, 200, 405]
    assert MARK not in everything_logged(caplog, capsys)


def test_an_unexpected_error_logs_where_but_not_what(
    client: TestClient,
    datastore: DatastoreManager,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # A table that somebody dropped: the statement, with its parameters, is in the exception.
    table = "assessment_logs" if datastore.use_fallback else "staffstuddash.assessment_logs CASCADE"
    client.post(STUDENTS, json=a_student(id=MARK, name=MARK))
    with datastore.database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(f"DROP TABLE {table}"))

    answer = client.post("/api/v1/assessments", json=an_assessment(student_id=MARK, topic=MARK))

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert MARK not in answer.text
    logged = everything_logged(caplog, capsys)
    assert "unexpected error" in logged
    assert answer.json()["request_id"] in logged
    assert MARK not in logged


def test_a_database_error_of_a_manager_holds_no_parameters(
    db_manager: DropoutDatabaseManager,
) -> None:
    table = "learning_events" if db_manager.use_fallback else "dropout.learning_events CASCADE"
    with db_manager.database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(f"DROP TABLE {table}"))

    with pytest.raises(Exception, match="learning_events") as failure:
        db_manager.add_learning_event(None, MARK, None, "NAVIGATION", data={"name": MARK})

    assert MARK not in str(failure.value)
