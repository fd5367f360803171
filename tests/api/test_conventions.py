"""Headers and documents of the answers of every service."""

from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK

STUDENTS = "/api/v1/students"


def test_a_request_id_is_returned(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get("/nowhere", headers={"X-Request-ID": "form-17"})

    assert answer.headers["X-Request-ID"] == "form-17"
    assert answer.json()["request_id"] == "form-17"


def test_a_header_shows_the_in_memory_store(staffstuddash_client: TestClient) -> None:
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
