"""Metrics of the pages: for this machine and for keys, never through a proxy."""

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from tests.api.pages.conftest import OpenPages


def test_metrics_are_for_this_machine_and_keys_but_not_for_a_proxy(
    open_pages: OpenPages, connection: Connection
) -> None:
    local, without = open_pages(), open_pages(away=("staffstuddash",))
    keys = KeyManager(Database.for_bind(connection, role="none"))
    may = keys.add_key("prometheus", [Permission.SYSTEM_READ])
    may_not = keys.add_key("lms", [Permission.EVENTS_WRITE])
    inside = TestClient(local.app, "http://web:8000", client=("172.18.0.9", 50000))

    def status(client: TestClient, key: str | None = None, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        return client.get("/metrics", headers={**sent, **headers}).status_code

    assert status(inside) == 403
    assert status(inside, "unknown") == 403
    assert status(inside, may_not) == 403
    assert status(inside, may) == 200
    assert status(inside, may, **{"X-Forwarded-For": "192.0.2.7"}) == 404
    assert status(without, may) == 503
    assert status(local, **{"X-Forwarded-Proto": "https"}) == 404

    local.get("/courses/Müller")
    found = local.get("/metrics")
    assert found.status_code == 200
    routes = {
        sample.labels["http_route"]
        for family in text_string_to_metric_families(found.text)
        for sample in family.samples
        if "http_route" in sample.labels
    }
    assert "/metrics" in routes
    assert "ller" not in found.text
