"""Metrics for Prometheus: access, labels, and the state of each service."""

import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.measures import Measures
from dropout_service.database.predictions.made import MADE
from dropout_service.domain.enums import EventType
from dropout_service.metrics import OTHERS
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from shared_web.operations.metrics.requests import BUCKETS
from tests.e2e.processes import wait_until
from tests.support.databases import LOOPBACK
from tests.support.factories import days
from tests.support.service_cases import STAFFSTUDDASH, Target, of
from tests.support.services import PARTS

DURATION = "http_server_request_duration_seconds"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def samples(families: Iterable[Metric]) -> Samples:
    found = [(each.name, each.labels, each.value) for family in families for each in family.samples]
    return {(name, frozenset(labels.items())): value for name, labels, value in found}


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def scraped(client: TestClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(parse(answer.text))


def test_requests_are_counted_by_route_and_never_by_path(target: Target) -> None:
    one = target.service.one
    target.client.get(f"{one[0]}Müller{one[1]}")
    target.client.get("/no/such/Müller")
    target.client.request("MÜLLER", "/metrics")

    found = scraped(target.client)

    counts = {
        labels: value for (name, labels), value in found.items() if name == f"{DURATION}_count"
    }
    routes = {dict(labels)["http_route"] for labels in counts}
    assert {"(no route)", "/metrics"} <= routes
    assert any(route.startswith("/api/v1/") and "{" in route for route in routes)
    assert {dict(labels)["http_request_method"] for labels in counts} <= {"GET", "POST", "_OTHER"}
    buckets = {dict(labels)["le"] for name, labels in found if name == f"{DURATION}_bucket"}
    assert {float(each) for each in buckets} == {*map(float, BUCKETS), float("inf")}
    assert value(found, "http_server_active_requests", http_request_method="GET") == 1
    assert "ller" not in target.client.get("/metrics").text


def test_both_formats_are_valid(target: Target) -> None:
    opened = target.client.get("/metrics", headers={"Accept": OPEN_METRICS})

    assert opened.headers["content-type"].startswith("application/openmetrics-text")
    assert samples(parse_open(opened.text)).keys() >= {
        (
            "target_info",
            frozenset(
                {("service_name", f"veritas-{target.service.name}"), ("service_version", "0.1.0")}
            ),
        ),
    }
    if promtool := shutil.which("promtool"):
        text = target.client.get("/metrics").content
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr + checked.stdout


@pytest.fixture
def protected(postgres: Database) -> Iterator[tuple[TestClient, TestClient, KeyManager]]:
    """Give clients of a service with keys, from elsewhere and from this machine."""
    keys = KeyManager(postgres)
    keys.add_key("first", [Scope.READ])
    parts = PARTS["staffstuddash"]
    app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))
    with TestClient(app, "http://school.example") as outside:
        yield outside, TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)), keys


def test_others_than_this_machine_need_a_key_that_may_read_the_system(
    protected: tuple[TestClient, TestClient, KeyManager],
) -> None:
    outside, local, keys = protected
    may, may_not = keys.add_key("prometheus", [Scope.READ]), keys.add_key("lms", [Scope.INGEST])

    def status(client: TestClient, **headers: str) -> int:
        return client.get("/metrics", headers=headers).status_code

    assert status(outside) == 401
    assert status(outside, Authorization=f"Bearer {may_not}") == 403
    assert status(outside, Authorization=f"Bearer {may}") == 200
    assert status(local) == 200
    assert status(local, Authorization="Bearer unknown") == 401
    assert status(local, **{"X-Forwarded-For": "192.0.2.7"}) == 401
    assert status(local, Origin="https://evil.example") == 401
    assert status(local, Host="evil.example") == 401


@of(STAFFSTUDDASH)
def test_metrics_are_no_part_of_the_api(target: Target) -> None:
    assert "/metrics" not in target.client.get("/openapi.json").json()["paths"]


def test_dropout_measures_its_predictions_and_the_age_of_its_data(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropout_service.metrics.KEPT_SECONDS", 0)
    monkeypatch.setattr("dropout_service.database.measures.MAX_COURSES", 2)
    now = db_manager.predictions.add("p1", "ada", "ENGAGEMENT", 0.2, course="art").created_at
    before = MADE.totals()["given"]
    events = [
        EventToStore("ada", EventType.NAVIGATION, course=course, occurred_at=now - days(ago))
        for course, ago in {"art": 0, "biology": 3, "chemistry": 9, "dance": 5}.items()
    ]
    db_manager.events.add_many(events)

    def age(course: str, kind: str = "events") -> float:
        return value(
            scraped(dropout_client), "veritas_course_data_age_seconds", course=course, kind=kind
        )

    assert age("art") == 0
    assert 0 <= age("art", "predictions") < 60
    assert 2 * 86_400 <= age("biology") <= 3 * 86_400
    assert 4 * 86_400 <= age(OTHERS) <= 5 * 86_400
    assert value(scraped(dropout_client), "veritas_courses_summed") == 2
    assert not [
        name for name, _ in scraped(dropout_client) if name.startswith("veritas_active_model")
    ]

    first = value(scraped(dropout_client), "veritas_predictions_total", by="given")
    db_manager.predictions.add("p2", "ada", "ENGAGEMENT", 0.2)
    db_manager.predictions.add("p2", "ada", "ENGAGEMENT", 0.2)
    assert MADE.totals()["given"] - before == 1
    assert value(scraped(dropout_client), "veritas_predictions_total", by="given") - first == 1


@pytest.mark.parametrize("open_database", ["memory"], indirect=True)
def test_a_slow_database_does_not_delay_the_other_metrics(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dropout_service.metrics.PATIENCE_SECONDS", 0.05)
    read, is_ready = db_manager.measures.read_measures, threading.Event()

    def slowly() -> Measures:
        is_ready.wait(10)
        return read()

    monkeypatch.setattr(db_manager.measures, "read_measures", slowly)
    summed = ("veritas_courses_summed", frozenset[tuple[str, str]]())

    before = scraped(dropout_client)
    is_ready.set()

    assert summed not in before
    assert value(before, "veritas_predictions_total", by="model") >= 0
    assert wait_until(lambda: summed in scraped(dropout_client))
