"""Real things for benchmarks and fuzzing: a PostgreSQL server and service processes of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine, NullPool, create_engine

from shared_db.database import Database
from shared_db.engine import normalised_url
from shared_web.keys import KeyManager, Scope
from veritas_cli.histories import migrate_all
from veritas_cli.local_postgres import LocalPostgres
from veritas_cli.parting import apart, end
from veritas_cli.ports import free_port

_START_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL with all schemas, and a key that opens every route."""

    url: str
    key: str

    def engine(self) -> Engine:
        """Return an engine that keeps no connection."""
        return create_engine(normalised_url(self.url), poolclass=NullPool)


@contextmanager
def migrated_server(options: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Give a new PostgreSQL server, durable unless the options say otherwise; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="veritas-", ignore_cleanup_errors=True) as folder:
        postgres = LocalPostgres(Path(folder, "postgres"), options=options)
        try:
            with postgres:
                yield _with_key(postgres.url)
        finally:
            postgres.remove()


def _with_key(url: str) -> Server:
    engine = Server(url, "").engine()
    migrate_all(engine)
    return Server(url, KeyManager(Database.on(engine)).add_key("bench", [Scope.ADMIN]))


@contextmanager
def service(package: str, server: Server, settings: Mapping[str, str]) -> Iterator[str]:
    """Give the URL of a service that runs as it does in production, except for the settings."""
    port = free_port()
    port_of = package.removesuffix("_service").upper() + "_PORT"
    with tempfile.TemporaryDirectory(prefix="veritas-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", package],
                cwd=folder,  # where no .env of the developer's is
                env={
                    "PATH": os.environ["PATH"],
                    "DATABASE_URL": server.url,
                    port_of: str(port),
                    **settings,
                },
                stdout=out,
                stderr=out,
                **apart(signal.SIGTERM),
            )
        try:
            _wait_until_it_answers(process, f"http://127.0.0.1:{port}/readyz", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            end(process, (signal.SIGTERM, 15))


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
