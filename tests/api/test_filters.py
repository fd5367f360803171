"""Filters of lists: the same rows on both databases, and the refusal of invalid conditions."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from monitoring_service.database import MonitoringDatabase
from monitoring_service.domain.rules import HealthStatus
from monitoring_service.main import create_app
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.queries.filters import Filter, Operator
from tests.support.databases import LOOPBACK, engine_on
from tests.support.factories import NOON, a_system_event, days

EVENTS = "/api/v1/monitoring/events"
LOGS = "/api/v1/monitoring/logs"
SINCE = {"timestamp__gte": NOON.isoformat()}

STORED: dict[str, dict[str, Any]] = {
    "e0": {"source": "api", "component": "Search", "message": "100% done", "data": {"ms": 250}},
    "e1": {"source": "API", "component": "search", "message": "1000 done", "data": {"ms": 250.5}},
    "e2": {"source": "api-2", "message": "a_b", "data": {"ms": "250"}},
    "e3": {"source": "web", "message": "axb", "data": {"ms": True, "in": {"deep": "zoo"}}},
    "e4": {"source": "web", "message": "Übung", "data": {"ms": None, "error_rate": 0.9}},
    "e5": {"source": "öl", "data": {"ms": [1, 2], "error_rate": 0.1}},
    "e6": {"source": "comma,d", "data": {"ms": {"a": 1}, "a__b": 7, "a-b": 1e15}},
    "e7": {"source": "web", "metadata": {"host": "lib\\1", "ms": 251}},
    "e8": {
        "source": "traces",
        "data": {
            "http": {"status_code": 500},
            "http.status_code": 404,
            "span": {"http.status_code": 502},
            "span.http": {"method": "GET"},
        },
    },
}


@pytest.fixture
def client(monitoring_client: TestClient) -> TestClient:
    """Give a client of a service with a few events, an hour apart."""
    batch = [
        a_system_event(event_id=id_, timestamp=(NOON + days(n / 24)).isoformat(), **values)
        for n, (id_, values) in enumerate(STORED.items())
    ]
    assert monitoring_client.post(f"{EVENTS}/batch", json=batch).json()["stored"] == len(STORED)
    return monitoring_client


def ids(client: TestClient, **conditions: Any) -> str:
    answer = client.get(LOGS, params=conditions)
    assert answer.status_code == 200, answer.text
    return " ".join(sorted(item["event_id"] for item in answer.json()["items"]))


def refusal(client: TestClient, **conditions: Any) -> dict[str, str]:
    answer = client.get(LOGS, params=conditions)
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


COLUMN_CONDITIONS: list[tuple[dict[str, Any], str]] = [
    ({"source": "api"}, "e0"),
    ({"source__ne": "web"}, "e0 e1 e2 e5 e6 e8"),
    ({"source__in": "api,öl,nobody"}, "e0 e5"),
    ({"source__in": ["api", "web"]}, "e0 e3 e4 e7"),
    ({"source": "comma,d"}, "e6"),
    ({"source__startswith": "api"}, "e0 e2"),
    ({"source__startswith": "AP"}, "e1"),
    ({"source__startswith": "ö"}, "e5"),
    ({"source__contains": "p"}, "e0 e2"),
    ({"component": "search"}, "e1"),
    ({"component__ne": "search"}, "e0"),
    ({"component__contains": "earc"}, "e0 e1"),
    ({"message__contains": "0%"}, "e0"),
    ({"message__contains": "_"}, "e2"),
    ({"message__contains": "\\"}, ""),
    ({"message__contains": "übung"}, ""),
    ({"message__startswith": "1000"}, "e1"),
    ({"message__startswith": "%"}, ""),
    ({"status": "CRITICAL"}, "e4"),
    ({"status__in": "CRITICAL,WARNING"}, "e4 e5"),
    ({"status__ne": "NORMAL"}, "e4 e5"),
    ({"severity__gt": "0.9"}, "e4"),
    ({"severity__lte": "0"}, "e0 e1 e2 e3 e6 e7 e8"),
    ({"severity__in": "0.5,1"}, "e4"),
    ({"event_id__in": "e3,e5"}, "e3 e5"),
    ({"timestamp": (NOON + timedelta(hours=2)).isoformat()}, "e2"),
    ({"timestamp__lt": (NOON + timedelta(hours=2)).isoformat()}, "e0 e1"),
    ({"timestamp__lte": "2026-03-02T15:00:00+01:00"}, "e0 e1 e2"),
    ({"timestamp__gt": "2026-03-02T18:00:00Z"}, "e7 e8"),
    ({"source": "web", "status": "NORMAL", "timestamp__gte": "2026-03-02T16:00:00Z"}, "e7"),
]

JSON_CONDITIONS: list[tuple[dict[str, Any], str]] = [
    ({"data.ms__gt": "250"}, "e1"),
    ({"data.ms__gte": "250"}, "e0 e1"),
    ({"data.ms__lt": "1e10"}, "e0 e1"),
    ({"data.ms": "250.0"}, "e0"),
    ({"data.ms": '"250"'}, "e2"),
    ({"data.ms__ne": "250"}, "e1"),
    ({"data.ms": "true"}, "e3"),
    ({"data.ms__ne": "false"}, "e3"),
    ({"data.ms": "null"}, "e4"),
    ({"data.ms__in": "250,true,null"}, "e0 e3 e4"),
    ({"data.ms__contains": "25"}, "e2"),
    ({"data.ms__startswith": "5"}, ""),
    ({"data.in.deep": "zoo"}, "e3"),
    ({"data.in.deep__gt": "z"}, "e3"),
    ({"data.in.deep__lt": "Z"}, ""),
    ({"data.in.deep__contains": "%"}, ""),
    ({"data.in.deeper.still": "zoo"}, ""),
    ({"data.ms.a": "1"}, "e6"),
    ({"data.a__b": "7"}, "e6"),
    ({"data.a-b__gte": "1e15"}, "e6"),
    ({"data.nothing": "1"}, ""),
    ({"metadata.ms__gt": "250"}, "e7"),
    ({"metadata.host": "lib\\1"}, "e7"),
    ({"data.ms__gte": "250", "source": "API"}, "e1"),
    ({"data.http.status_code": "500"}, "e8"),
    ({"data.http.status_code__in": "404,true,x,null"}, "e8"),
    ({"data.span.http.status_code__gt": "499"}, "e8"),
    ({"data.span.http.method": "GET"}, "e8"),
    ({"data.http": "500"}, ""),
    ({"data.ms.0": "1"}, ""),
]


def test_conditions_on_columns_find_their_rows(client: TestClient) -> None:
    found = [(condition, ids(client, **condition)) for condition, _ in COLUMN_CONDITIONS]

    assert found == COLUMN_CONDITIONS


def test_conditions_inside_json_match_values_of_their_own_type(client: TestClient) -> None:
    found = [(condition, ids(client, **SINCE, **condition)) for condition, _ in JSON_CONDITIONS]

    assert found == JSON_CONDITIONS


def test_a_condition_inside_json_needs_a_time(client: TestClient) -> None:
    until = {"timestamp__lt": NOON.isoformat()}

    assert set(refusal(client, **{"data.ms__gt": "250"})) == {"timestamp__gte"}
    assert set(refusal(client, **{"data.ms__gt": "250"}, **until)) == {"timestamp__gte"}


REFUSED: list[dict[str, Any]] = [
    {"nonsense": "1"},
    {"source__gt": "a"},
    {"source__": "a"},
    {"source__like": "a"},
    {"limt": "5"},
    {"source": ""},
    {"source": "a\x00"},
    {"source": "a" * 1001},
    {"source": ["a", "b"]},
    {"status": "BAD"},
    {"status__in": "NORMAL,BAD"},
    {"status__in": ""},
    {"severity__gt": "high"},
    {"severity__gt": "nan"},
    {"timestamp__gte": "yesterday"},
    {"timestamp__gte": "2026-03-02T12:00:00"},
    {"timestamp__gte": "1772452800"},
    {"count": "yes"},
    {"data.": "1"},
    {"data": "1"},
    {"data.a b": "1"},
    {"data.a\n": "1"},
    {'data."a"': "1"},
    {"data.ms__gt": "true"},
    {"data.ms__gt": "null"},
    {"data.ms__in": "1," + "9" * 30},
    {"data.ms": "9" * 400},
    {"data.ms": "a\x00"},
    {"data.ms": ""},
    {"data." + ".".join("a" * 11): "1"},
]


def test_the_refusal_of_a_condition_names_it(client: TestClient) -> None:
    for condition in REFUSED:
        [name] = condition
        [refused] = refusal(client, **{**SINCE, **condition})

        # The refusal of one of several values has its number.
        assert refused == name or refused.rpartition(".")[0] == name


def test_values_of_a_condition_have_a_limit(client: TestClient) -> None:
    many = {f"data.k{n}__in": ",".join(map(str, range(50))) for n in range(9)}
    too_many = {"data.k__in": ",".join(map(str, range(51)))}

    assert ids(client, **SINCE, **many) == ""
    assert ids(client, source__in=",".join(f"s{n}" for n in range(99)) + ",web") == "e3 e4 e7"
    assert set(refusal(client, **SINCE, **too_many)) == {"data.k__in"}
    assert set(refusal(client, source__in=",".join(map(str, range(101))))) == {"source__in"}


def test_the_deepest_path_takes_as_many_values(client: TestClient) -> None:
    deep = ".".join("abcdefghij")
    many = {f"data.k{n}.{deep[2:]}__in": ",".join(map(str, range(50))) for n in range(10)}
    texts = {f"data.k{n}.{deep[2:]}__in": ",".join(f"x{v}" for v in range(50)) for n in range(10)}

    assert ids(client, **SINCE, **many) == ""
    assert ids(client, **SINCE, **texts) == ""


def test_only_a_list_may_be_repeated(client: TestClient) -> None:
    assert refusal(client, source=["api", "web"]) == {"source": "is given more than once"}
    assert ids(client, source__in=["api", "öl"]) == ids(client, source__in="api,öl")


def test_too_many_conditions_inside_json_are_refused(client: TestClient) -> None:
    conditions = {f"data.k{n}": "1" for n in range(11)}

    assert list(refusal(client, **SINCE, **conditions)) == ["data.k10"]


def test_rows_are_counted_only_on_request(client: TestClient) -> None:
    without = client.get(LOGS, params={"source": "web", "limit": 1}).json()
    counted = client.get(LOGS, params={"source": "web", "limit": 1, "count": "exact"}).json()

    assert (without["count"], counted["count"]) == (None, 3)
    assert len(counted["items"]) == 1


def test_pages_continue_with_the_same_filter(client: TestClient) -> None:
    seen, after = [], None
    while True:
        params: dict[str, Any] = {
            "source": "web",
            "limit": 1,
            **({"after": after} if after else {}),
        }
        page = client.get(LOGS, params=params).json()
        seen += [item["event_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert seen == ["e7", "e4", "e3"]


def test_every_condition_is_in_the_document(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"][LOGS]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}

    assert {"source", "source__in", "status__ne", "timestamp__gte", "after"} <= set(parameters)
    assert parameters["severity__gt"]["description"] == (
        "Only where `severity` is greater or later than this."
    )
    [pattern] = parameters["inside_json"]["schema"]["patternProperties"]
    assert pattern.startswith("^(data|metadata)")


def test_a_query_over_the_time_limit_is_refused_and_no_outage(private_url: str) -> None:
    database = Database.for_bind(engine_on(private_url), statement_timeout_seconds=0.3)
    manager = MonitoringDatabase(database)
    with database.unit_of_work() as session:
        session.execute(
            # A slow view in place of the table.
            text(
                "ALTER TABLE monitoring.monitoring_logs RENAME TO slow_logs;"
                "CREATE VIEW monitoring.monitoring_logs AS SELECT slow_logs.* FROM"
                " monitoring.slow_logs RIGHT JOIN (SELECT pg_sleep(30)) AS pause ON true"
            )
        )
    settings = Settings(environment="development")
    app = create_app(manager, settings)
    app.state.prepare()
    client = TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))

    answer = client.get(LOGS, params={"data.ms__gt": "1", **SINCE})

    assert (answer.status_code, answer.json()["type"]) == (
        422,
        "urn:veritas:problem:query-too-expensive",
    )
    assert "shorter time" in answer.json()["detail"]


def test_a_manager_accepts_filters_as_plain_values(monitoring: MonitoringDatabase) -> None:
    wanted = Filter("status", Operator.IN, (HealthStatus.CRITICAL,))

    page, count = monitoring.get_logs(filters=[wanted])

    assert (page.items, count) == ([], 0)
    with pytest.raises(KeyError):
        monitoring.health.history(filters=[Filter("window_minutes", Operator.EQ, 5)])
    assert "window_minutes" in Base.metadata.tables["monitoring.system_health"].columns
