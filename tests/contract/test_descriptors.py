"""Lack of file descriptors: reported as overload of the process, not as an outage."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from shared_db.connection.database import Database
from shared_db.resilience import descriptors
from shared_web.auth.keys import KeyManager, Scope
from shared_web.operations import health
from shared_web.operations.serve import server_options
from shared_web.settings import ServiceSettings
from tests.support.databases import engine_on
from tests.support.factories import a_student
from tests.support.limited import app
from tests.support.live_services import listening
from tests.support.no_threads import no_descriptor
from tests.support.outage import spool_in, spooling
from tests.support.sockets import SMALLEST, connected


@pytest.fixture(autouse=True)
def _no_calm() -> Iterator[None]:
    """End a lack of descriptors at once, at the latest with the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptors, "CALM_SECONDS", 0)
        # So that each health check probes the database.
        patch.setattr(health, "FRESH_SECONDS", 0)
        yield
        assert descriptors.are_left()


EXHAUSTED = "no file descriptor is left"
STUDENTS = "/api/v1/students"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_lack_of_descriptors_is_no_outage(
    host: str, private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = KeyManager(Database.for_bind(engine_on(private_url))).add_key("test", [Scope.ADMIN])
    url = private_url.replace("127.0.0.1", host)
    with spooling(url, key, tmp_path) as client:
        assert client.get("/readyz").json()["storage"] == "postgresql"
        with no_descriptor():
            refused = [
                client.get("/readyz"),
                client.get(STUDENTS),
                client.post(STUDENTS, json=a_student()),
                client.patch(f"{STUDENTS}/s001", json={"name": "Ada"}),
            ]
            alive = client.get("/livez")
            unhealthy = client.get("/health")
        stored = client.post(STUDENTS, json=a_student())
        ready = client.get("/readyz").json()

    assert [answer.status_code for answer in refused] == [503] * 4
    assert {answer.json()["type"] for answer in refused} == {"urn:veritas:problem:overloaded"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert alive.status_code == 200
    assert unhealthy.json()["checks"]["database:connection"][0]["output"].startswith("The service")
    assert stored.status_code == 201
    assert "Veritas-Storage" not in stored.headers
    assert ready["storage"] == "postgresql"
    assert spool_in(tmp_path).state().waiting == 0
    assert caplog.text.count(EXHAUSTED) == 1
    assert "database is away" not in caplog.text


def test_a_lack_of_descriptors_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with (
        listening(app, server_options(ServiceSettings())) as port,
        connected(port) as client,
    ):
        client.send(SMALLEST).read()
        with no_descriptor():
            time.sleep(1.5)  # the server looks each second
        time.sleep(1.2)
        assert client.send(SMALLEST).read().status

    assert caplog.text.count(EXHAUSTED) == 1
    assert caplog.text.count("there are file descriptors again") == 1


def _started_with(limit: str, code: str) -> str:
    script = f"ulimit {limit} && exec {sys.executable} -c '{code}'"
    shown = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)  # noqa: S607 - ours
    return shown.stdout.strip()


CODE = (
    "from shared_db.resilience import descriptors as d; import resource; d.raise_limit(); "
    "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], d.room_for_connections())"
)


@pytest.mark.parametrize(
    ("limit", "shown"),
    [("-n 1024", "1024 768"), ("-n 200", "200 100"), ("-S -n 64", "{hard} {room}")],
)
def test_the_soft_limit_is_raised_and_a_reserve_is_kept(limit: str, shown: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    hard = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)

    assert _started_with(limit, CODE) == shown.format(hard=hard, room=max(hard - 256, hard // 2))


def test_other_failures_are_no_lack_of_descriptors() -> None:
    assert descriptors.shortage(None) is None
    assert descriptors.shortage(FileNotFoundError(2, "No such file")) is None
    assert descriptors.shortage(psycopg2.OperationalError("connection refused")) is None
    assert descriptors.shortage(psycopg2.OperationalError("")) is None
    assert descriptors.shortage(OSError(24, "Too many open files")) is not None


def test_a_failure_without_a_reason_counts_after_a_recent_lack() -> None:
    """Another request released one between the failure and its classification."""
    with no_descriptor():
        assert not descriptors.are_left()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptors, "CALM_SECONDS", 60)
        assert descriptors.shortage(psycopg2.OperationalError("")) is not None
        assert descriptors.shortage(psycopg2.OperationalError("connection refused")) is None
