"""Reports of slow requests to monitoring, between real processes."""

import httpx

from tests.e2e.processes import wait_until
from tests.support.service_processes import Server, service


def test_slow_requests_arrive_at_monitoring(private_url: str) -> None:
    server = Server(private_url, key="")
    development = {"ENVIRONMENT": "development", "MONITORING_SNAPSHOTS": "false"}
    with service("monitoring_service", server, development) as monitoring:
        slow = {**development, "MONITORING_URL": monitoring, "SLOW_REQUEST_SECONDS": "0.000001"}
        with service("staffstuddash_service", server, slow) as staffstuddash:
            httpx.get(f"{staffstuddash}/api/v1/students/nobody")
            logs = f"{monitoring}/api/v1/monitoring/logs"
            asked = {"source": "staffstuddash", "component__contains": "{student_id}"}
            assert wait_until(lambda: bool(httpx.get(logs, params=asked).json()["items"]))

        [event] = httpx.get(logs, params=asked).json()["items"]
    assert (event["event_type"], event["data"]["level"]) == ("request", "WARNING")
    assert event["data"]["status"] == 404
    assert "nobody" not in str(event)
