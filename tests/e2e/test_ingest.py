"""Events sent to real processes during their shutdown: acknowledged events are stored."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from shared_web.operations.readiness import readiness_failure
from tests.e2e.processes import ROOT, all_gone, children_of, wait_until, without_settings
from tests.support.databases import engine_on
from tests.support.factories import a_learning_event, a_system_event
from veritas_cli.processes.ports import free_port

CLIENTS = 24


def slow_imports(folder: Path) -> Path:
    """Make workers start later than five seconds, the patience that uvicorn has by default."""
    (folder / "sitecustomize.py").write_text(
        "import sys, time\ntime.sleep(6 if 'multiprocessing' in str(sys.orig_argv) else 0)\n"
    )
    return folder


class Senders:
    """Clients that send events one after another until the service has stopped.

    Two clients send each event, like a client that repeats a request without an answer.
    """

    def __init__(self, url: str, key: str, body: dict[str, str], id_field: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {key}"}
        self.body = body
        self.id_field = id_field
        self.answers: list[tuple[str, int]] = []

    def send(self, client: int) -> None:
        with httpx.Client(headers=self.headers, timeout=60) as http:
            for number in range(100_000):
                id_ = f"e{client // 2}-{number}"
                try:
                    answer = http.post(self.url, json={**self.body, self.id_field: id_})
                except httpx.TransportError:
                    return
                self.answers.append((id_, answer.status_code))

    @property
    def acknowledged(self) -> set[str]:
        return {id_ for id_, status in self.answers if status in {201, 202}}


@pytest.mark.parametrize(
    ("service", "route", "body", "id_field", "table", "variables"),
    [
        pytest.param(
            "monitoring", "monitoring/events", a_system_event(), "event_id",
            "monitoring.monitoring_logs", {"WORKERS": "2"}, id="monitoring in two processes",
        ),
        pytest.param(
            "dropout", "events", a_learning_event(), "id",
            "dropout.learning_events", {"INGEST_ACKNOWLEDGE": "queued"}, id="dropout when queued",
        ),
    ],
)  # fmt: skip
def test_a_service_stopped_under_load_has_stored_the_acknowledged_events(
    service: str,
    route: str,
    body: dict[str, str],
    id_field: str,
    table: str,
    variables: dict[str, str],
    private_url: str,
    tmp_path: Path,
) -> None:
    engine = engine_on(private_url)
    key = KeyManager(Database.for_bind(engine)).add_key("sender", [Scope.INGEST])
    port = free_port()
    log = tmp_path / "log"
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$0" -m {service}_service >{log} 2>&1', sys.executable],
        cwd=tmp_path,
        env=without_settings(
            PYTHONPATH=f"{slow_imports(tmp_path)}:{ROOT}",
            DATABASE_URL=private_url,
            **{f"{service.upper()}_PORT": str(port)},
            **variables,
        ),
    )
    senders = Senders(f"http://127.0.0.1:{port}/api/v1/{route}", key, body, id_field)
    try:
        assert wait_until(lambda: readiness_failure(port) is None)
        workers = children_of(process.pid)
        with ThreadPoolExecutor(CLIENTS) as pool:
            sending = [pool.submit(senders.send, client) for client in range(CLIENTS)]
            assert wait_until(lambda: len(senders.answers) > 10 * CLIENTS)
            process.terminate()
        assert all(one.done() and one.exception() is None for one in sending)
        process.wait(timeout=60)
        assert all_gone(workers)
    finally:
        process.kill()
        process.wait()

    with engine.connect() as connection:
        stored = Counter(connection.scalars(text(f"SELECT id FROM {table}")).all())
    assert set(Counter(status for _, status in senders.answers)) <= {201, 202, 503}
    assert senders.acknowledged
    assert senders.acknowledged - stored.keys() == set()
    assert "Traceback" not in log.read_text()
    assert " died" not in log.read_text()
    assert not any('"level": "error"' in line for line in log.read_text().split("\n"))
