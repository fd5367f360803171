"""Real things for benchmarks and fuzzing: a PostgreSQL server and service processes of its own."""

import os
import platform
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
from sqlalchemy import Engine, NullPool, create_engine, text

from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from shared_web.auth.keys import KeyManager, Scope
from veritas_cli.migrations import migrate_all
from veritas_cli.postgres.server import LocalPostgres
from veritas_cli.processes.ports import free_port
from veritas_cli.processes.termination import detached, terminate

_START_SECONDS = 30
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL with all schemas, and a key that opens every route."""

    url: str
    key: str
    postgres: LocalPostgres | None = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Take PostgreSQL away for a while; call it from the main thread."""
        assert self.postgres is not None  # noqa: S101 - a test's server is not for this
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
    """Give a new PostgreSQL server, durable unless the options say otherwise; gone afterwards."""
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
    key = KeyManager(Database.on(engine)).add_key("bench", [Scope.ADMIN])
    return Server(postgres.url, key, postgres)


@dataclass(frozen=True)
class Running:
    """A running service: its URL, and what it has used so far."""

    url: str
    process: int

    @property
    def cpu_seconds(self) -> float:
        """The processor time of the process and its workers, user and system."""
        ticks = sum(map(_ticks_of, [self.process, *_children_of(self.process)]))
        return ticks / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mebibytes(self) -> float:
        """The most memory that it has had."""
        return _memory_of(self.process, "VmHWM")

    @property
    def mebibytes(self) -> float:
        """The memory that it has now."""
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
    """Give the URL of a service that runs as it does in production, except for the settings."""
    with running(package, [package], server, settings) as found:
        yield found.url


@contextmanager
def running(
    package: str, module: Sequence[str], server: Server, settings: Mapping[str, str]
) -> Iterator[Running]:
    """Give a service that runs as `python -m` with these words."""
    port = free_port()
    port_of = package.removesuffix("_service").upper() + "_PORT"
    with tempfile.TemporaryDirectory(prefix="veritas-bench-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=folder,  # where no .env of the developer's is
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(_ROOT),
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


@dataclass(frozen=True)
class Line:
    """One line of a table: what was measured, its figures, and the line that is its limit."""

    label: str
    figures: Mapping[str, float]
    limit: "Line | None" = None

    def __str__(self) -> str:
        rate = self.figures["per_second"]
        latencies = (self.figures.get(name) for name in ("p50", "p99"))
        cells = [f"{'-' if ms is None else f'{ms:.1f}':>8}" for ms in latencies]
        ratio = "" if self.limit is None else self._ratio(self.limit)
        return f"{self.label:<30}{rate:>12,.0f}{''.join(cells)}   {ratio}".rstrip()

    def _ratio(self, limit: "Line") -> str:
        return f"{self.figures['per_second'] / limit.figures['per_second']:.2f} of {limit.label}"


def print_table(title: str, lines: Sequence[Line]) -> None:
    """Print the lines under their title."""
    print(f"\n{title}")
    print(f"{'':<30}{'per second':>12}{'p50 ms':>8}{'p99 ms':>8}   ratio")
    for line in lines:
        print(line)


def machine(server: Server) -> str:
    """Return what the figures depend on: cores, Python, PostgreSQL and whether it is durable."""
    with server.engine().connect() as connection:
        version, fsync = (
            connection.scalar(text(f"SHOW {name}")) for name in ("server_version", "fsync")
        )
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"PostgreSQL {version} with fsync {fsync}; service, database and load on this machine"
    )


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
