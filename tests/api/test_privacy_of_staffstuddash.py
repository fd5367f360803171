"""What staff write about students appears in no log, whichever route takes it."""

import logging

import pytest
from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK
from tests.support.factories import a_draft, a_student, an_action

MARK = "Xanthippe"
STUDENTS = "/api/v1/students"
CSV = {"content-type": "text/csv"}


@pytest.fixture
def client(datastore: DatastoreManager) -> TestClient:
    """Give a client whose app logs as in production, SQL statements too."""
    app = create_app(datastore, Settings(environment="development", debug=True))
    app.state.prepare()
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def test_no_route_logs_what_was_sent(
    client: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client
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
    captured = capsys.readouterr()
    logged = caplog.text + captured.out + captured.err + str([vars(r) for r in caplog.records])
    assert "/api/v1/students/{student_id}/drafts" in logged
    assert MARK not in logged
