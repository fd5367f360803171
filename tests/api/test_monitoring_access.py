"""Who may do what in monitoring, and that nothing of what was sent reaches a log."""

import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from monitoring_service.database import MonitoringDatabase
from monitoring_service.main import create_app
from monitoring_service.models import SourceRules
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from tests.support.factories import a_system_event

BASE = "/api/v1/monitoring"
MARK = "Xanthippe"
RULES = {"thresholds": {"latency": {"warning": 1, "critical": 2}}}

NEEDED = [
    ("POST", "/events", Scope.INGEST),
    ("POST", "/events/batch", Scope.INGEST),
    ("GET", "/logs", Scope.READ),
    ("POST", "/logs/query", Scope.READ),
    ("GET", "/logs/e001", Scope.READ),
    ("GET", "/stats", Scope.READ),
    ("GET", "/health", Scope.READ),
    ("GET", "/health/history", Scope.READ),
    ("GET", "/sources", Scope.READ),
    ("GET", "/background-work", Scope.READ),
    ("GET", "/analytics/timeseries", Scope.READ),
    ("POST", "/analysis/re-evaluate", Scope.WRITE),
    ("GET", "/rules/a", Scope.READ),
    ("PUT", "/rules/a", Scope.WRITE),
    ("DELETE", "/rules/a", Scope.WRITE),
    ("POST", "/maintenance/cleanup", Scope.ADMIN),
]


@pytest.fixture
def production(postgres: Database) -> Iterator[TestClient]:
    """Give a client of a service that asks for keys, and has one of each scope."""
    keys = KeyManager(postgres)
    made = {scope: keys.add_key(scope, [scope]) for scope in Scope}
    settings = Settings(environment=Environment.PRODUCTION, monitoring_snapshots=False)
    with TestClient(create_app(MonitoringDatabase(postgres), settings)) as client:
        client.app_state["keys"] = made
        yield client


def test_each_route_needs_its_scope(production: TestClient) -> None:
    keys = production.app_state["keys"]
    for method, path, needed in NEEDED:
        for scope, key in keys.items():
            headers = {"Authorization": f"Bearer {key}"}
            answer = production.request(method, f"{BASE}{path}", headers=headers, json=RULES)
            is_admitted = answer.status_code not in (401, 403)
            assert is_admitted is (scope in (needed, Scope.ADMIN)), (method, path, scope)
        assert production.request(method, f"{BASE}{path}").status_code == 401


def test_who_set_a_rule_is_kept(production: TestClient, postgres: Database) -> None:
    headers = {"Authorization": f"Bearer {production.app_state['keys'][Scope.WRITE]}"}
    production.put(f"{BASE}/rules/a", json=RULES, headers=headers)

    with postgres.reading() as session:
        row = session.get_one(SourceRules, "a")
    assert (row.updated_by, row.thresholds) == ("write", RULES["thresholds"])


def test_no_error_path_logs_what_was_sent(
    monitoring_client: TestClient,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx2")  # the test's own client
    client, logs, events = monitoring_client, f"{BASE}/logs", f"{BASE}/events"
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
        client.put(f"{BASE}/rules/{MARK}", json={"thresholds": {MARK: MARK}}),
        client.delete(f"{BASE}/rules/{MARK}"),
    ]

    statuses = [answer.status_code for answer in attempts]
    assert statuses == [201, 409, 422, 200, 422, 422, 422, 422, 422, 404, 422, 404]
    captured = capsys.readouterr()
    logged = caplog.text + captured.out + captured.err + str([vars(r) for r in caplog.records])
    assert MARK not in logged
