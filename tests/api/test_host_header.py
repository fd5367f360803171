"""Host header: malformed ones are refused before anything else looks at the request."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager, Scope
from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings
from tests.support.live_services import listening
from tests.support.service_cases import Target
from tests.support.services import PARTS
from tests.support.sockets import asked, connected

MALFORMED = [
    b"",
    b" ",
    b"a b",
    b"a\tb",
    b"user@host",
    b"user:secret@localhost",
    b"localhost:8002:1",
    b"localhost:port",
    b"localhost:-1",
    b"localhost:0",
    b"localhost:65536",
    b"localhost:99999999",
    b"localhost/path",
    b"localhost?x",
    b"http://localhost",
    b"a,b",
    b"<localhost>",
    b"::1",
    b"[::1",
    b"[::1]]",
    b"[]",
    b"[localhost]",
    b"[::1]:x",
    b"[:::1]",
    b"\xc3\xa4.example",
    b"a" * 300,
]
VALID = [
    b"localhost",
    b"LOCALHOST:8002",
    b"127.0.0.1:1",
    b"[::1]",
    b"[::1]:65535",
    b"localhost:",
]


def get(client: TestClient, *hosts: bytes, path: str = "/livez") -> tuple[int, str]:
    answer = client.get(path, headers=[(b"host", host) for host in hosts])
    return answer.status_code, answer.json().get("type", "")


def test_malformed_hosts_are_refused(target: Target, subtests: pytest.Subtests) -> None:
    refused = (400, "urn:veritas:problem:malformed-request")

    for host in MALFORMED:
        with subtests.test(host=host):
            assert get(target.client, host) == refused
            assert get(target.client, host, path=target.service.listing) == refused


def test_valid_hosts_are_accepted(target: Target) -> None:
    assert {host: get(target.client, host)[0] for host in VALID} == dict.fromkeys(VALID, 200)


def test_the_refusal_comes_before_the_key(postgres: Database) -> None:
    KeyManager(postgres).add_key("dashboard", [Scope.READ])
    for parts in PARTS.values():
        app = parts.app(postgres, parts.settings(environment=Environment.PRODUCTION))
        with TestClient(app) as client:
            answer = client.get("/api/v1/students", headers={"Host": "a b"})

        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.fixture(scope="module", params=PARTS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Serve each service in memory; give the port."""
    parts = PARTS[request.param]
    app = parts.app(
        Database.in_memory(parts.metadata), parts.settings(environment=Environment.DEVELOPMENT)
    )
    with listening(app, server_options(ServiceSettings())) as port:
        yield port


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\x01b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: a\x7fb\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost:x\r\n\r\n",
        b"GET /livez HTTP/1.0\r\nHost: a b\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: a b\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_malformed_host_closes_the_connection(port: int, head: bytes) -> None:
    with connected(port) as client:
        answer = client.send(head).read()
        assert client.is_closed()

    assert answer.status == 400
    assert answer.problem["type"] == "urn:veritas:problem:malformed-request"


def test_http_1_0_needs_no_host(port: int) -> None:
    assert asked(port, b"GET /livez HTTP/1.0\r\n\r\n").status == 200


def test_head_is_answered_without_a_body_on_the_wire(port: int) -> None:
    head = b"HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    get_request = head.replace(b"HEAD", b"GET")
    with connected(port) as client:
        client.send(head + head + get_request)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 3 or b'"status"' not in received:
            received += client.connection.recv(65536)

    first, second, third = received.split(b"HTTP/1.1 200 OK")[1:]
    assert first.endswith(b"\r\n\r\n")
    assert second.endswith(b"\r\n\r\n")
    assert b'"status":"ready"' in third
