"""Compressed answers over HTTP, and those that stay as they are."""

import gzip

import pytest
from httpx2 import Headers
from starlette.testclient import TestClient

from tests.support.factories import a_student

STUDENTS = "/api/v1/students"
GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}

Sent = tuple[int, Headers, bytes]


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with some students."""
    students = [a_student(id=f"s{number:03}", email=None) for number in range(40)]
    staffstuddash_client.post(f"{STUDENTS}/batch", json=students)
    return staffstuddash_client


def sent(client: TestClient, path: str, headers: dict[str, str], method: str = "GET") -> Sent:
    """Return status, headers and the bytes as they were sent."""
    with client.stream(method, path, headers=headers) as answer:
        return answer.status_code, answer.headers, b"".join(answer.iter_raw())


def test_large_answers_are_compressed(client: TestClient) -> None:
    _, headers, body = sent(client, STUDENTS, GZIP)
    _, plain_headers, plain = sent(client, STUDENTS, PLAIN)

    assert gzip.decompress(body) == plain
    assert (headers["Content-Encoding"], headers["Content-Length"]) == ("gzip", str(len(body)))
    assert len(body) < len(plain) / 5
    assert headers["Vary"] == plain_headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in plain_headers


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.1", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*, gzip; q=0.000", False),
        ("br", False),
        ("", False),
    ],
)
def test_the_client_decides(client: TestClient, accepted: str, *, is_compressed: bool) -> None:
    _, headers, _ = sent(client, STUDENTS, {"Accept-Encoding": accepted})

    assert ("Content-Encoding" in headers) == is_compressed


def test_small_answers_are_not_compressed(client: TestClient) -> None:
    _, headers, body = sent(client, f"{STUDENTS}/s001", GZIP)

    assert "Content-Encoding" not in headers
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Content-Length"] == str(len(body))


def test_a_head_request_has_the_headers_alone(client: TestClient) -> None:
    _, got, _ = sent(client, STUDENTS, GZIP)
    _, headers, body = sent(client, STUDENTS, GZIP, "HEAD")

    assert body == b""
    assert headers["Content-Length"] == got["Content-Length"]
    assert headers["Content-Encoding"] == "gzip"


def test_problems_are_compressed(client: TestClient) -> None:
    answer = client.post(STUDENTS, json={f"wrong{n}": 1 for n in range(60)}, headers=GZIP)

    assert answer.status_code == 422
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_download_is_not_compressed_again(client: TestClient) -> None:
    _, headers, body = sent(client, f"{STUDENTS}/s001/export", GZIP)

    assert "Content-Encoding" not in headers
    assert body.startswith(b"PK")
