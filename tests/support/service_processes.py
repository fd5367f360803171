"""PostgreSQL server and service processes of their own, for fuzzing, benchmarks and tests."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine, NullPool, create_engine

from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_web.auth.keys import KeyManager, Scope
from tests.support.source_files import ROOT
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres
from veritas_cli.processes.ports import free_port
from veritas_cli.processes.termination import detached, terminate

KEY_NAME = "bench"
# Long, as machines may be slow.
_START_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL with all schemas, and a key with every scope."""

    url: str
    key: str
    postgres: LocalPostgres | None = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop PostgreSQL for a while; call it from the main thread."""
        assert self.postgres is not None
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()

    def engine(self) -> Engine:
        """Return an engine that keeps no connection."""
        return create_engine(normalised_url(self.url), poolclass=NullPool)


@contextmanager
def migrated_server(options: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Give a new PostgreSQL server, by default durable; delete it afterwards."""
    with tempfile.TemporaryDirectory(prefix="veritas-bench-", ignore_cleanup_errors=True) as folder:
        postgres = LocalPostgres(Path(folder, "postgres"), port=free_port(), options=options)
        try:
            with postgres:
                yield _with_key(postgres)
        finally:
            postgres.remove()


def _with_key(postgres: LocalPostgres) -> Server:
    engine = Server(postgres.url, "").engine()
    migrate_all(engine)
    key = KeyManager(Database.for_bind(engine)).add_key(KEY_NAME, [Scope.ADMIN])
    return Server(postgres.url, key, postgres)


@dataclass(frozen=True)
class Running:
    """A running service: its URL, its processor time and memory."""

    url: str
    process: int

    @property
    def cpu_seconds(self) -> float:
        """The processor time of the process and its workers, user and system."""
        ticks = sum(map(_ticks_of, [self.process, *_children_of(self.process)]))
        return ticks / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mebibytes(self) -> float:
        """Peak memory."""
        return _memory_of(self.process, "VmHWM")

    @property
    def mebibytes(self) -> float:
        """Present memory."""
        return _memory_of(self.process, "VmRSS")


def _memory_of(process: int, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def _ticks_of(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@contextmanager
def service(package: str, server: Server, settings: Mapping[str, str]) -> Iterator[str]:
    """Give the URL of a service that runs as in production, except for the settings."""
    with running(package, [package], server, settings) as found:
        yield found.url


@contextmanager
def running(
    package: str, module: Sequence[str], server: Server, settings: Mapping[str, str]
) -> Iterator[Running]:
    """Give a service started by `python -m` with these arguments."""
    port = free_port()
    port_of = package.removesuffix("_service").upper() + "_PORT"
    with tempfile.TemporaryDirectory(prefix="veritas-bench-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=folder,  # has no .env of the developer
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "DATABASE_URL": server.url,
                    port_of: str(port),
                    **settings,
                },
                stdout=out,
                stderr=out,
                **detached(signal.SIGTERM),
            )
        try:
            _wait_until_it_answers(process, f"http://127.0.0.1:{port}/readyz", log)
            yield Running(f"http://127.0.0.1:{port}", process.pid)
        finally:
            terminate(process, (signal.SIGTERM, 15))


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"The service at {url} does not answer: {log.read_text()[-2000:]}")
