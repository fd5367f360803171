"""Idempotency-Key of batches and tables: with its index it names each item without an id."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from tests.support.databases import LOOPBACK, OpenDatabase
from tests.support.factories import a_learning_event, a_student, a_system_event, an_assessment
from tests.support.services import PARTS, openapi_of

API = "/api/v1"
KEY = {"Idempotency-Key": "import-1"}
NDJSON = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True)
class Route:
    """Route of batches: its service, an item without id, and a field to change."""

    service: str
    path: str
    item: Callable[..., dict[str, Any]]
    id_field: str = "id"
    other: tuple[str, Any] = ("name", "Somebody Else")

    def __str__(self) -> str:
        return f"{self.service}{self.path}"

    def body(self, **changes: Any) -> dict[str, Any]:
        """Return an item without an id."""
        body = self.item(**changes)
        return {name: value for name, value in body.items() if name != self.id_field}


ROUTES = (
    Route("staffstuddash", "/students/batch", a_student),
    Route("staffstuddash", "/assessments/batch", an_assessment, other=("score", 12)),
    Route("dropout", "/events/batch", a_learning_event, other=("question_id", "q9")),
    Route(
        "monitoring",
        "/monitoring/events/batch",
        a_system_event,
        id_field="event_id",
        other=("source", "printer"),
    ),
)
every_route = pytest.mark.parametrize("route", ROUTES, ids=str)


def client_of(service: str, database: Database) -> TestClient:
    parts = PARTS[service]
    app = parts.app(database, parts.settings(environment=Environment.DEVELOPMENT))
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def send(client: TestClient, route: Route, batch: list[Any], **headers: str) -> dict[str, Any]:
    answer = client.post(f"{API}{route.path}", json=batch, headers=headers or KEY)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outcomes(answer: dict[str, Any]) -> list[str]:
    return [item["outcome"] for item in answer["items"]]


def ids(answer: dict[str, Any]) -> list[str | None]:
    return [item["id"] for item in answer["items"]]


@pytest.fixture
def client(open_database: OpenDatabase, route: Route) -> Iterator[TestClient]:
    """Give a client of the route's service, with the student of the assessments."""
    with client_of(route.service, open_database(PARTS[route.service].metadata)) as client:
        if route.path.startswith("/assessments"):
            client.post(f"{API}/students", json=a_student())
        yield client


@every_route
def test_a_batch_sent_again_under_its_key_is_repeated(client: TestClient, route: Route) -> None:
    batch = [route.body(), route.body(), {**route.body(), route.id_field: "own"}]

    first, again = send(client, route, batch), send(client, route, batch)
    lines = client.post(
        f"{API}{route.path}", content="\n".join(map(json.dumps, batch)), headers=KEY | NDJSON
    ).json()

    assert outcomes(first) == ["stored"] * 3
    assert outcomes(again) == outcomes(lines) == ["repeated"] * 3
    assert ids(first) == ids(again) == ids(lines)
    assert len(set(ids(first))) == 3
    assert ids(first)[2] == "own"


@every_route
def test_other_content_at_an_index_is_refused(client: TestClient, route: Route) -> None:
    name, value = route.other
    batch = [route.body(), route.body()]
    send(client, route, batch)
    changed = [batch[0], {**batch[1], name: value}, route.body(**{name: value})]

    again = send(client, route, changed)

    assert outcomes(again) == ["repeated", "refused", "stored"]
    assert again["items"][1]["errors"] == [
        {"location": "body", "field": "id", "message": "is stored with other content"}
    ]


@every_route
def test_other_keys_and_no_key_name_other_rows(client: TestClient, route: Route) -> None:
    batch = [route.body()]
    keyed = send(client, route, batch)
    other = send(client, route, batch, **{"Idempotency-Key": "import-2"})
    unnamed = [send(client, route, batch, accept="*/*") for _ in range(2)]

    assert outcomes(other) == ["stored"]
    assert [outcomes(one) for one in unnamed] == [["stored"]] * 2
    assert len({id_ for one in (keyed, other, *unnamed) for id_ in ids(one)}) == 4


@every_route
def test_a_refused_item_keeps_the_places_of_the_others(client: TestClient, route: Route) -> None:
    batch: list[Any] = [route.body(), "no object", route.body()]

    first, again = send(client, route, batch), send(client, route, batch)

    assert outcomes(first) == ["stored", "refused", "stored"]
    assert outcomes(again) == ["repeated", "refused", "repeated"]
    mended = send(client, route, [batch[0], route.body(), batch[2]])
    assert outcomes(mended) == ["repeated", "stored", "repeated"]


@every_route
def test_an_invalid_key_is_refused(client: TestClient, route: Route) -> None:
    refused = client.post(
        f"{API}{route.path}", json=[route.body()], headers={"Idempotency-Key": "with space"}
    )

    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["Idempotency-Key"]


@every_route
def test_a_single_request_under_the_key_is_another_row(client: TestClient, route: Route) -> None:
    batch = send(client, route, [route.body()])
    path = route.path.removesuffix("/batch")
    single = client.post(f"{API}{path}", json=route.body(), headers=KEY)

    assert single.status_code == 201
    assert single.json()[route.id_field] not in ids(batch)


def test_a_table_sent_again_under_its_key_is_repeated(staffstuddash_client: TestClient) -> None:
    def send_table(text: str) -> dict[str, Any]:
        headers = KEY | {"content-type": "text/csv"}
        answer = staffstuddash_client.post(f"{API}/students/csv", content=text, headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    table = "name;id\nAda;\nGrace;s2\nAlan;\n"
    first, again = send_table(table), send_table(table)
    other = send_table("name;id\nAda;\nGrace;s2\nEdsger;\n")

    assert outcomes(first) == ["stored"] * 3
    assert (outcomes(again), ids(again)) == (["repeated"] * 3, ids(first))
    assert outcomes(other) == ["repeated", "repeated", "refused"]
    listed = staffstuddash_client.get(f"{API}/students").json()["items"]
    assert sorted(student["name"] for student in listed) == ["Ada", "Alan", "Grace"]


@every_route
def test_two_workers_store_a_batch_once(open_own_database: OpenDatabase, route: Route) -> None:
    database = open_own_database(PARTS[route.service].metadata)
    batch = [route.body() for _ in range(20)]

    with client_of(route.service, database) as one, client_of(route.service, database) as other:
        if route.path.startswith("/assessments"):
            one.post(f"{API}/students", json=a_student())
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda worker: send(worker, route, batch), (one, other))

    assert ids(first) == ids(second)
    assert first["stored"] + second["stored"] == 20
    assert first["repeated"] + second["repeated"] == 20


@pytest.mark.parametrize("service", PARTS)
def test_every_batch_documents_the_key(service: str) -> None:
    paths = openapi_of(service)["paths"]
    batches = {path: one["post"] for path, one in paths.items() if path.endswith(("batch", "csv"))}

    assert batches
    for path, operation in batches.items():
        names = [parameter["name"] for parameter in operation.get("parameters", ())]
        assert names.count("Idempotency-Key") == 1, path
