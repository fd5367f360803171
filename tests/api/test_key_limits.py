"""Limits of keys in time and addresses, and keys revoked in the file of this machine."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from httpx2 import Response
from sqlalchemy import update
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.auth.tables import ApiKey
from shared_web.auth.validity.key_limits import network
from shared_web.auth.validity.revoked_keys import RevokedKeys
from shared_web.operations.serve import server_options
from shared_web.principals import KeyLimits, Permission, Scope
from tests.support.databases import engine_on
from tests.support.live_services import listening
from tests.support.services import PARTS

ME, KEYS = "/api/v1/me", "/api/v1/keys"
INSIDE, OUTSIDE = "10.20.30.40", "192.0.2.9"
SCHOOL = KeyLimits(networks=(network("10.0.0.0/8"), network("2001:db8::/32")))

Send = Callable[..., Response]


@pytest.fixture
def keys(postgres: Database) -> KeyManager:
    return KeyManager(postgres)


@pytest.fixture(params=[0, 60], ids=["looked-up", "cached"])
def send(request: pytest.FixtureRequest, postgres: Database) -> Iterator[Send]:
    """Give a function that sends a GET with a key from an address, with and without a cache."""
    KeyManager(postgres).add_key("first", [Scope.READ])
    parts = PARTS["staffstuddash"]
    settings = parts.settings(environment=Environment.PRODUCTION, key_cache_seconds=request.param)
    with TestClient(parts.app(postgres, settings)) as running:

        def send_one(key: str, address: str = INSIDE, path: str = ME) -> Response:
            client = TestClient(running.app, client=(address, 50000))
            return client.get(path, headers={"Authorization": f"Bearer {key}"})

        yield send_one


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (INSIDE, 200),
        ("::ffff:10.1.2.3", 200),
        ("2001:db8::7", 200),
        (OUTSIDE, 403),
        ("2001:db9::7", 403),
        ("unknown", 403),
    ],
)
def test_a_key_is_accepted_from_its_networks_alone(
    send: Send, keys: KeyManager, address: str, status: int
) -> None:
    key = keys.add_key("lms", [Scope.READ], SCHOOL)

    for _ in range(2):  # the second time from the cache, if there is one
        answer = send(key, address)
        assert answer.status_code == status
    if status == 403:
        assert "other addresses" in answer.json()["detail"]


def test_an_expired_key_is_refused_with_the_reason(
    send: Send, keys: KeyManager, postgres: Database
) -> None:
    tomorrow = KeyLimits(utc_now() + timedelta(days=1))
    key, old = (keys.add_key(name, [Scope.READ], tomorrow) for name in ("lms", "old"))
    with postgres.unit_of_work() as session:
        past = datetime.fromisoformat("2026-01-02T03:04:00Z")
        session.execute(update(ApiKey).where(ApiKey.name == "old").values(expires_at=past))

    status, detail = problem(send(old))

    assert send(key).status_code == 200
    assert status == 401
    assert "expired at 2026-01-02 03:04 UTC" in detail


def test_a_key_in_the_file_is_refused_without_a_query(
    send: Send, keys: KeyManager, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    key, other = (keys.add_key(name, [Scope.READ]) for name in ("stolen", "kept"))
    RevokedKeys(folder).add("stolen")

    assert problem(send(key)) == (401, "This key was revoked.")
    assert send(other).status_code == 200
    assert (folder / "revoked-keys").stat().st_mode & 0o777 == 0o600
    assert key not in (folder / "revoked-keys").read_text()


def test_a_file_that_cannot_be_read_admits_no_key(
    send: Send, keys: KeyManager, tmp_path: Path
) -> None:
    key = keys.add_key("lms", [Scope.READ])
    (tmp_path / "spool" / "revoked-keys").mkdir(parents=True)

    assert send(key).status_code == 503


def test_names_are_compared_in_one_form_and_read_again(tmp_path: Path) -> None:
    reader = RevokedKeys(tmp_path, reread_seconds=0)
    before = reader.has("Schüler")
    RevokedKeys(tmp_path).add("Schu\u0308ler")
    with (tmp_path / "revoked-keys").open("a") as file:
        file.write("by hand")
    RevokedKeys(tmp_path).add("another")

    assert before is False
    assert [reader.has(name) for name in ("Schüler", "by hand", "another", "none")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.fixture
def office(postgres: Database) -> Iterator[Callable[..., Response]]:
    """Give a function that makes a key over HTTP with a key of its own limits."""
    parts = PARTS["staffstuddash"]
    KeyManager(postgres).add_key("first", [Scope.READ])
    settings = parts.settings(environment=Environment.PRODUCTION)
    with TestClient(parts.app(postgres, settings), client=(INSIDE, 50000)) as client:

        def make(limits: KeyLimits, **body: Any) -> Response:
            granted: list[Scope | Permission] = [Scope.READ, Permission.KEYS_MANAGE]
            key = KeyManager(postgres).add_key("office", granted, limits)
            new = {"name": "new", "scopes": ["read"], **body}
            return client.post(KEYS, json=new, headers={"Authorization": f"Bearer {key}"})

        yield make


def test_a_key_gets_its_limits_over_http(office: Send, keys: KeyManager) -> None:
    limits = {"expires_at": "2099-07-31T00:00:00Z", "addresses": ["10.0.0.0/8", "192.0.2.7"]}
    made = office(KeyLimits(), **limits)

    assert made.status_code == 201, made.text
    assert made.json()["expires_at"] == limits["expires_at"]
    assert made.json()["addresses"] == ["10.0.0.0/8", "192.0.2.7/32"]
    [listed] = [key for key in keys.list_keys() if key.name == "new"]
    assert listed.addresses == ("10.0.0.0/8", "192.0.2.7/32")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"addresses": ["10.0.0.1/8"]}, "addresses.0"),
        ({"addresses": ["school"]}, "addresses.0"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    office: Send, keys: KeyManager, body: dict[str, Any], field: str
) -> None:
    answer = office(KeyLimits(), **body)

    assert answer.status_code == 422
    assert field in answer.text
    assert "new" not in {key.name for key in keys.list_keys()}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 403),
        ({"expires_at": "2099-01-01T00:00:00Z", "addresses": ["10.0.0.0/8"]}, 403),
        ({"expires_at": "2098-01-01T00:00:00Z", "addresses": ["0.0.0.0/0"]}, 403),
        ({"expires_at": "2098-01-01T00:00:00Z"}, 403),
        ({"expires_at": "2098-01-01T00:00:00Z", "addresses": ["10.20.0.0/16"]}, 201),
    ],
)
def test_a_limited_key_makes_no_key_beyond_its_limits(
    office: Send, body: dict[str, Any], status: int
) -> None:
    limits = KeyLimits(datetime.fromisoformat("2098-06-01T00:00:00Z"), SCHOOL.networks)

    assert office(limits, **body).status_code == status


def test_the_address_is_that_behind_a_trusted_proxy(private_url: str) -> None:
    database = Database.for_bind(engine_on(private_url), role="none")
    key = KeyManager(database).add_key("lms", [Scope.READ], SCHOOL)
    parts = PARTS["staffstuddash"]
    statuses = []
    for proxy in ("127.0.0.1", "192.0.2.1"):
        settings = parts.settings(environment=Environment.PRODUCTION, trusted_proxies=proxy)
        with listening(parts.app(database, settings), server_options(settings)) as port:
            for address in (INSIDE, OUTSIDE):
                headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": address}
                answer = httpx2.get(f"http://127.0.0.1:{port}{ME}", headers=headers)
                statuses.append(answer.status_code)

    assert statuses == [200, 403, 403, 403]
