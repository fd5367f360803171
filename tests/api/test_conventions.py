"""What every answer has, whichever service gives it."""

import gzip
import json

import pytest
from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK
from tests.support.factories import a_student

STUDENTS = "/api/v1/students"
JSON = {"content-type": "application/json"}


def test_a_request_id_is_given_back(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get("/nowhere", headers={"X-Request-ID": "form-17"})

    assert answer.headers["X-Request-ID"] == "form-17"
    assert answer.json()["request_id"] == "form-17"


def test_a_request_id_that_could_forge_a_log_line_is_replaced(
    staffstuddash_client: TestClient,
) -> None:
    answer = staffstuddash_client.get("/livez", headers={"X-Request-ID": 'x" {"level": "error'})

    assert len(answer.headers["X-Request-ID"]) == 36


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", STUDENTS, 405)]
)
def test_no_route_is_a_problem_too(
    staffstuddash_client: TestClient, method: str, path: str, status: int
) -> None:
    answer = staffstuddash_client.request(method, path)

    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_in_memory_store_is_said_on_every_answer(staffstuddash_client: TestClient) -> None:
    storage = staffstuddash_client.get("/readyz").json()["storage"]
    headers = [
        staffstuddash_client.get(path).headers.get("Veritas-Storage")
        for path in ("/livez", STUDENTS, "/nowhere")
    ]

    assert set(headers) == {"memory" if storage == "memory" else None}


def test_health_has_its_media_type(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get("/health")

    assert answer.headers["content-type"] == "application/health+json"
    assert answer.json()["status"] in {"pass", "warn"}
    assert answer.json()["serviceId"] == "staffstuddash"


class TestBodies:
    """Bodies that are compressed or too large."""

    @pytest.fixture
    def client(self, datastore: DatastoreManager) -> TestClient:
        settings = Settings(environment="development", max_body_bytes=2000)
        app = create_app(datastore, settings)
        app.state.prepare()
        return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))

    def test_a_compressed_body_is_read(self, client: TestClient) -> None:
        body = gzip.compress(json.dumps(a_student()).encode())

        answer = client.post(STUDENTS, content=body, headers={**JSON, "content-encoding": "gzip"})

        assert answer.status_code == 201

    def test_a_small_body_that_unfolds_beyond_the_limit_is_refused(
        self, client: TestClient
    ) -> None:
        bomb = gzip.compress(json.dumps(a_student(name="a" * 1_000_000)).encode())
        assert len(bomb) < 2000

        answer = client.post(STUDENTS, content=bomb, headers={**JSON, "content-encoding": "gzip"})

        assert answer.status_code == 413
        assert "2000 bytes" in answer.json()["detail"]

    def test_a_long_body_is_refused_whether_announced_or_not(self, client: TestClient) -> None:
        body = b" " * 2001
        announced = client.post(STUDENTS, content=body, headers=JSON)
        in_pieces = client.post(STUDENTS, content=iter([body[:1000], body[1000:]]), headers=JSON)

        assert announced.status_code == in_pieces.status_code == 413

    @pytest.mark.parametrize(
        ("encoding", "body", "status"),
        [
            ("gzip", b"no gzip", 400),
            ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400),
            ("br", b"{}", 415),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(
        self, client: TestClient, encoding: str, body: bytes, status: int
    ) -> None:
        headers = {**JSON, "content-encoding": encoding}

        answer = client.post(STUDENTS, content=body, headers=headers)

        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_only_named_origins_may_read_answers(datastore: DatastoreManager) -> None:
    settings = Settings(
        environment="development", cors_origins="https://a.example, https://b.example"
    )
    app = create_app(datastore, settings)
    app.state.prepare()
    client = TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))

    def allowed(origin: str) -> str | None:
        return client.get(STUDENTS, headers={"Origin": origin}).headers.get(
            "access-control-allow-origin"
        )

    assert allowed("https://b.example") == "https://b.example"
    assert allowed("https://c.example") is None


def test_operation_ids_are_the_names_of_the_routes(staffstuddash_client: TestClient) -> None:
    document = staffstuddash_client.get("/openapi.json").json()
    ids = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]

    assert len(ids) == len(set(ids))
    assert {"add_student", "get_student", "list_students"} <= set(ids)
    assert "Problem" in document["components"]["schemas"]
