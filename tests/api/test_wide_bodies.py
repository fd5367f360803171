"""Small requests that are expensive to parse: refused before parsing, with a short text."""

import gzip
import json
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.support.factories import a_draft, a_learning_event, a_student, a_system_event
from tests.support.service_cases import DROPOUT, EVERY_SERVICE, MONITORING, Service, assert_refused

CSV = {"content-type": "text/csv"}
GZIP = {"content-type": "application/json", "content-encoding": "gzip"}
RULES = "/api/v1/monitoring/rules/api"
QUERY = "/api/v1/monitoring/logs/query"
MAX_ANSWER_BYTES = 8_000  # of a refusal: twenty names of a hundred letters, with reasons
MANY_LISTS = b"[" + b"[]," * 349_000 + b"[]]"


def refused(answer: Response, status: int = 422) -> Any:
    assert_refused(answer, status)
    assert len(answer.content) < MAX_ANSWER_BYTES
    return answer.json()


@pytest.fixture(params=EVERY_SERVICE, ids=str)
def service(request: pytest.FixtureRequest) -> Service:
    service: Service = request.param
    return service


@pytest.fixture
def client(
    service: Service,
    monitoring_client: TestClient,
    staffstuddash_client: TestClient,
    dropout_client: TestClient,
) -> TestClient:
    """Give each service on both databases, with the default limits."""
    clients = (monitoring_client, staffstuddash_client, dropout_client)
    client = clients[EVERY_SERVICE.index(service)]
    service.before(client)
    return client


def test_too_many_values_are_refused(client: TestClient, service: Service) -> None:
    for body in (MANY_LISTS, MANY_LISTS.decode().encode("utf-16"), b'{"a": ' + MANY_LISTS + b"}"):
        answer = client.post(service.route, content=gzip.compress(body[:1_048_576]), headers=GZIP)
        assert "values" in refused(answer, 413)["detail"]


def test_commas_and_brackets_in_a_text_are_not_counted(
    client: TestClient, service: Service
) -> None:
    text = '[{,"\\' * 100_000
    answer = client.post(service.route, json={service.text_field: text})

    assert service.text_field in {error["field"] for error in refused(answer)["errors"]}


@pytest.mark.parametrize("spaces", [0, 70_000])
def test_a_body_nested_too_deep_is_refused(
    client: TestClient, service: Service, spaces: int
) -> None:
    for depth, is_told in ((65, True), (64, False)):
        body = b" " * spaces + b"[" * depth + b"]" * depth
        answer = client.post(
            service.route, content=body, headers={"content-type": "application/json"}
        )
        assert ("deeper" in refused(answer)["detail"]) == is_told


def test_the_refusal_of_many_fields_names_the_first(client: TestClient, service: Service) -> None:
    for prefix in ("a", "a" * 500):
        wide = {f"{n}{prefix}": 1 for n in range(1000)}
        for body in (wide, {**wide, "b": "b" * 70_000}):
            answer = client.post(service.route, json=body)
            assert len(refused(answer)["errors"]) == 20


def test_the_refusal_of_many_parameters_names_the_first(
    client: TestClient, service: Service
) -> None:
    query = "&".join(f"{n}{'a' * 300}=1" for n in range(100))

    assert len(refused(client.get(f"{service.listing}?{query}"))["errors"]) == 20


@pytest.mark.parametrize(
    ("service", "body"),
    [
        (MONITORING, lambda data: a_system_event(data=data, metadata=data)),
        (DROPOUT, lambda data: a_learning_event(data=data)),
    ],
)
def test_the_limits_of_a_body_allow_the_longest_fields(
    client: TestClient, service: Service, body: Any
) -> None:
    widest: dict[str, Any] = {"a": [[]] * 16_300}
    assert 65_000 < len(json.dumps(widest)) < 65_536

    assert client.post(service.route, json=body(widest)).status_code == 201
    assert client.post(f"{service.route}/batch", json=[body(widest)]).status_code == 200


def test_too_many_thresholds_are_refused(monitoring_client: TestClient) -> None:
    wide = {"thresholds": {f"A {n}": {"warning": 1} for n in range(10_000)}}

    assert len(refused(monitoring_client.put(RULES, json=wide))["errors"]) == 1


def test_the_refusal_of_a_query_in_a_body_is_short(monitoring_client: TestClient) -> None:
    long = "a" * 300_000
    for conditions in (
        {f"a{n}": 1 for n in range(10_000)},
        {long: 1},
        {f"data.{long}": 1},
        {f"{n}{'a' * 1000}": 1 for n in range(200)},
        {f"data.a{n}.{'b' * 1000}": 1 for n in range(100)},
        {"source__in": [long] * 3},
    ):
        refused(monitoring_client.post(QUERY, json={"filter": conditions}))


WIDE_TABLES = {
    "header": b",".join(b"a%d" % n for n in range(100_000)) + b"\n1\n",
    "empty header": b"," * 1_000_000 + b"\n1\n",
    "long name": b"name," + b"a" * 100_000 + b"\nAda,1\n",
    "long cell": b"name\n" + b"a" * 200_000 + b"\n",
    "no rows": b"name\n" + b"\n" * 1_000_000,
}


@pytest.mark.parametrize("table", WIDE_TABLES.values(), ids=WIDE_TABLES)
def test_the_refusal_of_a_wide_table_is_short(
    staffstuddash_client: TestClient, table: bytes
) -> None:
    refused(staffstuddash_client.post("/api/v1/students/csv", content=table, headers=CSV))


def test_a_row_of_too_many_cells_affects_no_other(staffstuddash_client: TestClient) -> None:
    table = b"name\nAda\n" + b"a," * 500_000 + b"\nGrace\n"
    answer = staffstuddash_client.post("/api/v1/students/csv", content=table, headers=CSV)

    assert answer.json()["stored"] == 2
    assert answer.json()["items"][1]["errors"][0]["message"].startswith("line 3: has 500000 cells")


def test_a_large_valid_body_is_stored(staffstuddash_client: TestClient) -> None:
    student = a_student()
    staffstuddash_client.post("/api/v1/students", json=student)
    draft = a_draft(content="Commas, and [brackets]. " * 4_000)
    body = json.dumps(draft).encode()

    answer = staffstuddash_client.post(
        f"/api/v1/students/{student['id']}/drafts", content=gzip.compress(body), headers=GZIP
    )

    assert (answer.status_code, len(body) > 64 * 1024) == (201, True), answer.text
