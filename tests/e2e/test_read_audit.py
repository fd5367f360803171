"""Audit of reads in real processes: killed at random moments, with two workers, in an outage."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shared_db.audit.file import AuditFile
from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.support.outage import server_to_lose
from tests.support.rosters import a_teaching, an_enrolment, fill, outcomes
from tests.support.server import role_prefix
from tests.support.service_processes import Running, Server, running

SEED = 11
RUNS = 2
READERS = 4
STUDENT = "/api/v1/students/s001"


class Reader(threading.Thread):
    """Client that reads a student as a teacher, each time for another purpose, until it fails."""

    def __init__(self, url: str, key: str, name: str) -> None:
        super().__init__()
        self.answered: list[str] = []
        self._url, self._key, self._name = url, key, name

    def run(self) -> None:
        """Read; note the purposes of answered reads."""
        with httpx.Client(base_url=self._url) as client, suppress(httpx.TransportError):
            for number in range(10_000):
                purpose = f"{self._name}-{number}"
                answer = client.get(STUDENT, headers=headers_of(self._key, purpose))
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    self.answered.append(purpose)


def headers_of(key: str, purpose: str) -> dict[str, str]:
    """Return the headers of a read by the teacher."""
    return {
        "Authorization": f"Bearer {key}",
        "Veritas-On-Behalf-Of": "t1",
        "Veritas-Purpose": purpose,
    }


@pytest.fixture
def school(private_url: str) -> tuple[Server, str]:
    """Give a server with a teacher of one student, and the key of a page that acts for persons."""
    engine = engine_on(private_url)
    datastore = DatastoreManager(Database.for_bind(engine, role="none"))
    fill(datastore)
    outcomes(datastore, an_enrolment())
    outcomes(datastore, a_teaching())
    manager = KeyManager(Database.for_bind(engine, role="none"))
    key = manager.add_key("page", [Permission.ACT_AS])
    return Server(private_url, key), key


@contextmanager
def service(server: Server, folder: Path, **settings: str) -> Iterator[Running]:
    """Run staffstuddash, by default with two workers, and its files in the folder."""
    package = "staffstuddash_service"
    values = {
        "SPOOL_PATH": str(folder),
        "DATABASE_ROLE_PREFIX": role_prefix(),
        "WORKERS": "2",
        "AUDIT_MOVING_SECONDS": "0.2",
        **settings,
    }
    with running(package, [package], server, values) as found:
        yield found


def test_answered_reads_survive_kills(school: tuple[Server, str], tmp_path: Path, run: Run) -> None:
    server, key = school
    chance = random.Random(SEED)
    readers: list[Reader] = []
    for number in range(RUNS):
        with service(server, tmp_path, WORKERS=str(RUNS - number)) as killed:
            new = [Reader(killed.url, key, f"r{number}-{each}") for each in range(READERS)]
            for reader in new:
                reader.start()
            threading.Event().wait(0.3 + chance.random())
            os.killpg(killed.process, signal.SIGKILL)
            for reader in new:
                reader.join()
            readers += new
    with service(server, tmp_path, WORKERS="1"):  # moves what waits at its start, or at its end
        pass
    answered = [purpose for reader in readers for purpose in reader.answered]
    stored = _purposes(server)
    checked = run(server.url, "audit", "verify")

    assert len(answered) > RUNS * READERS
    assert set(answered) - set(stored) == set()
    assert len(stored) == len(set(stored))
    assert checked.exit_code == 0, checked.output
    assert "All chains hold" in checked.output


def test_reads_wait_during_an_outage(tmp_path: Path) -> None:
    with ExitStack() as stack:
        postgres, key = stack.enter_context(server_to_lose())
        server = Server(postgres.url, key, postgres)
        datastore = DatastoreManager(Database.for_bind(server.engine(), role="none"))
        fill(datastore)
        settings = {"AUDIT_MOVING_SECONDS": "3600", "WORKERS": "1"}
        with service(server, tmp_path, **settings) as found, httpx.Client() as client:
            headers = {"Authorization": f"Bearer {server.key}"}
            before = client.get(f"{found.url}{STUDENT}", headers=headers)
            with server.away():
                during = client.get(f"{found.url}{STUDENT}", headers=headers)
                health = client.get(f"{found.url}/health").json()["checks"]
                stored_during = AuditFile.of_service(tmp_path, "staffstuddash", 2**20)
                waiting = stored_during.waiting()
                stored_during.close()
            assert wait_until(lambda: _storage(client, found) == "postgresql")
        rows = _rows(server)

    assert (before.status_code, during.status_code) == (200, 503)
    assert health["audit:reads"][0]["status"] == "pass"
    assert waiting == 1
    assert [row["route"] for row in rows] == ["/api/v1/students/{student_id}"]


@pytest.mark.parametrize("day", ["2026-03-02", "yesterday"])
def test_the_check_takes_a_day(private_url: str, run: Run, day: str) -> None:
    result = run(private_url, "audit", "verify", "--day", day)

    assert result.exit_code == (0 if day[0] == "2" else 2), result.output


def test_the_check_fails_with_the_place_of_a_fault(
    school: tuple[Server, str], tmp_path: Path, run: Run
) -> None:
    server, key = school
    with service(server, tmp_path, WORKERS="1") as found:
        for purpose in ("one", "two", "three"):
            httpx.get(f"{found.url}{STUDENT}", headers=headers_of(key, purpose)).raise_for_status()
    with engine_on(server.url).begin() as connection:
        connection.execute(text("DELETE FROM staffstuddash.reads WHERE purpose = 'two'"))
    result = run(server.url, "audit", "verify", "--chains")

    assert result.exit_code == 1
    assert "row 3: missing before it: 2." in result.output
    assert "staffstuddash: 2 reads in " in result.output


def _storage(client: httpx.Client, service: Running) -> Any:
    return client.get(f"{service.url}/readyz").json().get("storage")


def _purposes(server: Server) -> list[str]:
    return [str(row["purpose"]) for row in _rows(server)]


def _rows(server: Server) -> list[Any]:
    with server.engine().connect() as connection:
        query = text("SELECT * FROM staffstuddash.reads ORDER BY read_at")
        return list(connection.execute(query).mappings())
