"""HTTP client of the services, against a scripted server."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.settings import Settings as MonitoringSettings
from staffstuddash_service.settings import Settings as StaffstuddashSettings
from veritas_cli.http_client import ClientError, ClientSettings, Refusal, ServiceName, VeritasClient
from veritas_cli.processes.ports import free_port

DROPOUT = ServiceName.DROPOUT
PROBLEM = "application/problem+json"
VARIABLES = {name.upper() for name in ClientSettings.model_fields}


@dataclass
class Script:
    """Answers of the server, in order, and the requests it received."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def answers_with(
        self, status: int, body: object, kind: str = "application/json", **headers: str
    ) -> None:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, {"Content-Type": kind, **names}, json.dumps(body).encode()))


class Handler(BaseHTTPRequestHandler):
    script: ClassVar[Script]

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: object) -> None:
        self.script.requests.append((self.path, dict(self.headers), body))
        status, headers, content = self.script.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@pytest.fixture(autouse=True)
def no_client_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ClientSettings.model_config, "env_file", None)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()
    handler = type("Scripted", (Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield script
        server.shutdown()
        thread.join()


@pytest.fixture
def client(script: Script) -> Iterator[VeritasClient]:
    urls = {f"{name}_url": script.url for name in ServiceName}
    with VeritasClient(ClientSettings.load(veritas_key="veritas_secret", **urls)) as client:
        yield client


def refused(client: VeritasClient) -> ClientError:
    with pytest.raises(ClientError) as failure:
        client.post(DROPOUT, "/x", {})
    assert "\n" not in str(failure.value)
    assert "veritas_secret" not in str(failure.value)
    return failure.value


def test_a_post_carries_key_and_body(script: Script, client: VeritasClient) -> None:
    script.answers_with(201, {"id": "a"}, Idempotent_Replay="true")

    answer = client.post(DROPOUT, "/api/v1/events", {"id": "a"})

    [(path, headers, body)] = script.requests
    assert (path, headers["Authorization"], body) == (
        "/api/v1/events",
        "Bearer veritas_secret",
        {"id": "a"},
    )
    assert (answer.body, answer.is_replay) == ({"id": "a"}, True)


def test_pages_are_fetched_until_the_last(script: Script, client: VeritasClient) -> None:
    script.answers_with(200, {"items": [1, 2], "next": "c"})
    script.answers_with(200, {"items": [3], "next": None})

    assert list(client.pages(DROPOUT, "/list", limit=2)) == [1, 2, 3]
    assert [path for path, _, _ in script.requests] == ["/list?limit=2", "/list?limit=2&after=c"]


def test_pages_not_needed_are_not_fetched(script: Script, client: VeritasClient) -> None:
    script.answers_with(200, {"items": [1, 2], "next": "c"})

    assert next(client.pages(DROPOUT, "/list")) == 1
    assert len(script.requests) == 1


def test_a_busy_service_is_called_again(script: Script, client: VeritasClient) -> None:
    busy = {"title": "The database is busy", "detail": "No connection left."}
    script.answers_with(503, busy, PROBLEM, Retry_After="0")
    script.answers_with(503, busy, PROBLEM, Retry_After="0")
    script.answers_with(201, {"id": "a"})

    assert client.post(DROPOUT, "/x", {}).body == {"id": "a"}


def test_a_service_that_stays_busy_is_given_up(script: Script, client: VeritasClient) -> None:
    for _ in range(5):
        script.answers_with(503, {"title": "Busy", "detail": "Later."}, PROBLEM, Retry_After="0")

    assert "dropout refused: Busy. Later. Try again shortly" in str(refused(client))


def test_a_waiting_call_fails_when_the_client_is_stopped(
    script: Script, client: VeritasClient
) -> None:
    script.answers_with(503, {"title": "Busy", "detail": "Later."}, PROBLEM, Retry_After="9")
    client.stop()

    assert str(refused(client)) == "Stopped."


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, "--key or VERITAS_KEY"),
        (403, "scopes read, write and ingest"),
        (409, "send the same data as before"),
        (500, "request r-1"),
    ],
)
def test_a_refusal_has_advice(
    script: Script, client: VeritasClient, status: int, advice: str
) -> None:
    problem = {
        "type": "urn:veritas:problem:no",
        "title": "No",
        "detail": "So.",
        "request_id": "r-1",
    }
    script.answers_with(status, problem, PROBLEM)

    refusal = refused(client)

    assert isinstance(refusal, Refusal)
    assert (refusal.type, refusal.status) == ("no", status)
    assert str(refusal).startswith("dropout refused: No. So.")
    assert advice in str(refusal)


def test_a_refused_body_names_the_fields(script: Script, client: VeritasClient) -> None:
    errors = [{"location": "body", "field": "score", "message": "must be 0 or more"}]
    script.answers_with(422, {"title": "Invalid", "detail": "Look.", "errors": errors}, PROBLEM)

    assert "score: must be 0 or more." in str(refused(client))


def test_another_server_is_recognised(script: Script, client: VeritasClient) -> None:
    script.answers_with(200, "hello", "text/html")

    assert "not as dropout would: is the address right?" in str(refused(client))


def test_an_unreachable_service_is_one_line_with_the_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with VeritasClient(ClientSettings.load(dropout_url=url)) as client:
        assert str(refused(client)) == f"No service at {url} (dropout): start with `make up`."


@pytest.mark.parametrize(
    ("health", "headers", "text"),
    [
        ({"serviceId": "dropout"}, {}, "is dropout, not monitoring"),
        ({}, {"kind": "text/html"}, "is the address right?"),
    ],
)
def test_a_wrong_service_is_recognised_by_its_health(
    script: Script,
    client: VeritasClient,
    health: dict[str, str],
    headers: dict[str, str],
    text: str,
) -> None:
    script.answers_with(200, health, **{"kind": "application/health+json", **headers})

    with pytest.raises(ClientError, match=text):
        client.in_memory()


def test_a_service_without_a_database_is_reported(script: Script, client: VeritasClient) -> None:
    check = {"status": "fail", "output": "It does not answer."}
    body = {"serviceId": "monitoring", "checks": {"database:connection": [check]}}
    script.answers_with(503, body, "application/health+json")

    with pytest.raises(ClientError, match="monitoring has no database: It does not answer"):
        client.in_memory()


@pytest.mark.parametrize(
    "url", ["dropout", "ftp://host", "http://", "http://u:secret@host", "ht!p:"]
)
def test_a_malformed_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ClientError, match="DROPOUT_URL is no address") as failure:
        VeritasClient(ClientSettings.load(dropout_url=url))

    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("key", ["schlüssel", "with\nbreak"])
def test_a_malformed_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ClientError, match="characters that no key has"):
        VeritasClient(ClientSettings.load(veritas_key=key))


def test_by_default_the_services_are_at_the_addresses_of_make_up() -> None:
    settings = ClientSettings.load()

    assert settings.monitoring_port == MonitoringSettings.load().monitoring_port
    assert settings.staffstuddash_port == StaffstuddashSettings.load().staffstuddash_port
    assert settings.dropout_port == DropoutSettings.load().dropout_port
    assert ClientSettings.load(dropout_port=9).url_of(DROPOUT) == "http://127.0.0.1:9"
    assert ClientSettings.load(dropout_url="https://a").url_of(DROPOUT) == "https://a"
    for host, address in {"::1": "[::1]", "::": "[::1]", "10.0.0.1": "10.0.0.1"}.items():
        there = ClientSettings.load(host=host, dropout_port=9).url_of(DROPOUT)
        assert there == f"http://{address}:9"
