"""Service process: its health check and its shutdown."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_web.operations.readiness import readiness_failure
from tests.e2e.processes import ROOT, wait_until, without_settings
from tests.support.factories import a_student
from veritas_cli.processes.ports import free_port


class Running:
    """Process of staffstuddash in its own folder, by default in memory."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "staffstuddash_service"],
            cwd=folder,
            env=without_settings(
                PYTHONPATH=str(ROOT),
                ENVIRONMENT="development",
                STAFFSTUDDASH_PORT=str(self.port),
                **variables,
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def listens(self) -> bool:
        refusal = readiness_failure(self.port)
        return refusal is None or "no answer" not in refusal

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Running]:
    """Yield a started service without a database."""
    service = Running(tmp_path)
    assert wait_until(service.listens)
    yield service
    service.end()


@pytest.fixture
def without_its_database(tmp_path: Path) -> Iterator[Running]:
    """Yield a started service whose database is unreachable."""
    url = f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/school"
    service = Running(tmp_path, DATABASE_URL=url, FALLBACK="off")
    assert wait_until(service.listens)
    yield service
    service.end()


def health_check(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shared_web.operations.readiness", str(port)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_the_health_check_passes_when_the_service_is_ready(in_memory: Running) -> None:
    answer = health_check(in_memory.port)

    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_health_check_fails_while_the_database_is_unavailable(
    without_its_database: Running,
) -> None:
    answer = health_check(without_its_database.port)

    assert answer.returncode == 1
    assert "503" in answer.stderr
    assert "hunter2" not in answer.stderr


def test_the_health_check_fails_without_a_service() -> None:
    answer = health_check(free_port())

    assert answer.returncode == 1
    assert "no answer" in answer.stderr


def test_a_stopping_service_answers_the_requests_in_flight(in_memory: Running) -> None:
    body = json.dumps(a_student()).encode()
    head = (
        "POST /api/v1/students HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", in_memory.port), timeout=30) as connection:
        connection.sendall(head + body[:5])
        # After the answer to another request, the service has read this one's head.
        assert readiness_failure(in_memory.port) is None
        in_memory.process.terminate()
        assert wait_until(lambda: not in_memory.listens())
        connection.sendall(body[5:])
        answer = connection.makefile("rb").read().decode()

    assert answer.startswith("HTTP/1.1 201")
    assert '"s001"' in answer
    in_memory.process.wait(timeout=30)
