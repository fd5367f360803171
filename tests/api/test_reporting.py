"""Reports of services to monitoring: errors and warnings, without personal data."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from shared_db.errors import ConfigurationError
from shared_web.operations.error_reporting import BATCH_PATH, Reporter, reporting
from shared_web.settings import ServiceSettings
from tests.e2e.processes import wait_until

LOGS = "/api/v1/monitoring/logs"
MARK = "Xanthippe"
LOGGER = logging.getLogger("veritas.requests.of.tests")


Events = list[dict[str, Any]]


class Interrupted:
    """Sender that fails the first times, or gets the status as answer."""

    def __init__(self, client: TestClient, times: int, status: int | None = None) -> None:
        self.client, self.times, self.status = client, times, status

    def __call__(self, events: Events) -> int:
        self.times -= 1
        if self.times < 0:
            return self.client.post(BATCH_PATH, json=events).status_code
        if self.status is None:
            raise httpx.ConnectError("nobody is there")
        return self.status


@pytest.fixture
def attached() -> Iterator[list[Reporter]]:
    """Give a list; its reporters are detached from the logger and closed at the end."""
    reporters: list[Reporter] = []
    yield reporters
    for reporter in reporters:
        LOGGER.removeHandler(reporter)
        reporter.close()


def report(
    attached: list[Reporter], to: TestClient | Callable[[Events], int], **options: Any
) -> Reporter:
    send = Interrupted(to, times=0) if isinstance(to, TestClient) else to
    reporter = Reporter(send, "staffstuddash", pause_seconds=0.001, **options)
    LOGGER.addHandler(reporter)
    attached.append(reporter)
    return reporter


def reported(client: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(LOGS).json()["items"]
    return items[::-1]


def test_a_failed_request_is_reported_without_its_data(
    monitoring_client: TestClient, attached: list[Reporter]
) -> None:
    reporter = report(attached, monitoring_client)
    LOGGER.error(
        {
            "event": "request",
            "method": "POST",
            "route": "/api/v1/students/{student_id}",
            "status": 500,
            "duration_seconds": 3.0,
            "request_id": "r-1",
            "principal": MARK,
            "path": f"/api/v1/students/{MARK}",
        }
    )
    reporter.start()
    reporter.close()

    [event] = reported(monitoring_client)
    assert (event["source"], event["component"]) == (
        "staffstuddash",
        "/api/v1/students/{student_id}",
    )
    assert (event["event_type"], event["status"], event["severity"]) == ("request", "WARNING", 0.8)
    assert event["data"]["response_time"] == 3000
    assert event["metadata"] == {"request_id": "r-1"}
    assert event["result"]["failed_rules"] == ["reported_level", "response_time_threshold"]
    assert MARK not in str(event)


def test_the_text_of_an_unstructured_record_is_not_sent(
    monitoring_client: TestClient, attached: list[Reporter]
) -> None:
    reporter = report(attached, monitoring_client)
    LOGGER.warning("cannot store %s", MARK)
    try:
        raise ValueError(MARK)  # noqa: TRY301 - it is reported
    except ValueError:
        LOGGER.exception(f"failed for {MARK}")  # noqa: G004 - as a library might
    reporter.start()
    reporter.close()

    warning, error = reported(monitoring_client)
    assert (warning["message"], warning["data"]["level"]) == (None, "WARNING")
    assert error["data"]["error"] == "ValueError"
    assert error["data"]["where"].startswith("test_reporting.py:")
    assert MARK not in str([warning, error])


def test_records_below_a_warning_are_not_reported(
    monitoring_client: TestClient, attached: list[Reporter]
) -> None:
    reporter = report(attached, monitoring_client)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.info("all is well")
    reporter.start()
    reporter.close()

    assert reported(monitoring_client) == []


@pytest.mark.parametrize("status", [None, 503])
def test_an_unsent_report_is_sent_later_once(
    monitoring_client: TestClient, attached: list[Reporter], status: int | None
) -> None:
    away = Interrupted(monitoring_client, times=3, status=status)
    reporter = report(attached, away)
    LOGGER.warning({"event": "first"})
    reporter.start()
    assert wait_until(lambda: away.times < 0)
    LOGGER.warning({"event": "second"})
    reporter.close()

    assert [event["message"] for event in reported(monitoring_client)] == ["first", "second"]
    assert reporter.dropped == 0


def test_a_full_queue_reports_the_number_of_dropped_events(
    monitoring_client: TestClient, attached: list[Reporter]
) -> None:
    reporter = report(attached, monitoring_client, capacity=3)
    for number in range(10):
        LOGGER.warning({"event": f"number {number}"})
    reporter.start()
    reporter.close()

    events = {event["message"]: event for event in reported(monitoring_client)}
    [dropped] = [event for event in events.values() if event["event_type"] == "reports_dropped"]
    assert (reporter.dropped, dropped["data"]["dropped"], len(events)) == (7, 7, 4)
    assert {"number 0", "number 1", "number 2"} < set(events)


def test_a_refused_batch_is_not_sent_again(
    monitoring_client: TestClient, attached: list[Reporter], caplog: pytest.LogCaptureFixture
) -> None:
    reporter = report(attached, Interrupted(monitoring_client, times=1, status=401))
    LOGGER.warning({"event": "first"})
    reporter.start()
    assert wait_until(lambda: bool(reporter.dropped))
    LOGGER.warning({"event": "second"})
    reporter.close()

    messages = [event["message"] for event in reported(monitoring_client)]
    assert "second" in messages
    assert "first" not in messages
    assert "MONITORING_KEY" in caplog.text


def test_closing_does_not_wait_for_an_unreachable_server(attached: list[Reporter]) -> None:
    with httpx.Client(base_url="http://127.0.0.1:9") as client:
        reporter = report(attached, lambda events: client.post("/", json=events).status_code)
        reporter.start()
        LOGGER.warning({"event": "first"})
        reporter.close()

    assert not reporter._thread.is_alive()  # noqa: SLF001 - it must have ended


def test_each_report_of_many_threads_arrives_or_is_counted(
    monitoring_client: TestClient, attached: list[Reporter]
) -> None:
    reporter = report(attached, monitoring_client, capacity=150)

    def write(number: int) -> None:
        for turn in range(25):
            LOGGER.warning({"event": f"{number}-{turn}"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    reporter.start()
    reporter.close()

    asked: dict[str, Any] = {"event_type": "log", "limit": 1000}
    items = monitoring_client.get(LOGS, params=asked).json()["items"]
    arrived = {event["message"] for event in items}
    assert len(arrived) + reporter.dropped == 200
    assert len(arrived) == 150


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONITORING_URL", "monitoring:8001"),
        ("MONITORING_URL", "http://monitoring:8001/api"),
        ("SLOW_REQUEST_SECONDS", "0"),
    ],
)
def test_invalid_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError, match=name):
        ServiceSettings.load()


def test_a_service_without_a_url_reports_nothing() -> None:
    before = list(logging.getLogger().handlers)
    with reporting(ServiceSettings.load(), "staffstuddash"):
        assert logging.getLogger().handlers == before


def test_monitoring_does_not_report_to_itself() -> None:
    settings = ServiceSettings.load(monitoring_url="http://127.0.0.1:9", monitoring_key="secret")
    before = list(logging.getLogger().handlers)

    with reporting(settings, "monitoring"):
        assert logging.getLogger().handlers == before
    with reporting(settings, "dropout"):
        assert len(logging.getLogger().handlers) == len(before) + 1
    assert logging.getLogger().handlers == before
    assert "secret" not in repr(settings)
