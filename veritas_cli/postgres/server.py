"""Local PostgreSQL server for `veritas up`, the tests and the benchmarks."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Self

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from veritas_cli.postgres.admin_connection import HOST, administering, server_url
from veritas_cli.postgres.binaries import (
    LocalPostgresError,
    Programs,
    find_programs,
    reachable_programs,
)
from veritas_cli.postgres.data_directory import PostgresFolder, environment
from veritas_cli.postgres.initdb import create_data
from veritas_cli.processes.ports import free_port, holder_of, port_is_free
from veritas_cli.processes.termination import detached, terminate

_DATABASE = "veritas"
# Another process may take a free port before the server does.
_ATTEMPTS = 3

# The log must not contain students' data: no statements, no DETAIL lines.
_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

# For data that may be lost in a power cut.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A running vacuum would prevent a database from being copied.
    "autovacuum": "off",
    "max_connections": "200",
}


class LocalPostgres:
    """Server with its data in one folder, reachable on 127.0.0.1 with a password."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _line: None,
        start_timeout_seconds: float = 60,
    ) -> None:
        self._wanted = folder
        self._port = port
        self._options = dict(options or {})
        self._say = say
        self._start_timeout_seconds = start_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = PostgresFolder.at(folder)
        self.port = port or 0

    @property
    def url(self) -> str:
        """The URL of the server's database, password included."""
        return self.url_of(_DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of a database of the server, existing or not."""
        return server_url(self.port, self.folder.password(), database)

    @property
    def exit_status(self) -> int | None:
        """The server's exit status; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the server, with new data if there are none, and wait until it answers.

        Call it from the main thread: the server ends with the thread that started it.

        Raises:
            LocalPostgresError: the server cannot run.

        """
        if self.folder.path != self._wanted.resolve():
            self._say(
                f"{self._wanted} is closed to the account that PostgreSQL must run as, which is "
                f"not root; its data are in {self.folder.path} instead."
            )
        self.folder.prepare()
        self._refuse_second_server()
        programs = self._programs()
        if self.folder.major_version() is None:
            create_data(self.folder, programs, durable=self._options.get("fsync") != "off")
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                self._choose_port()
                self._launch(programs.path("postgres"))
                if self._answers_in_time(is_last=attempt == _ATTEMPTS):
                    break
            self._create_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server: open connections are closed, committed data are kept."""
        if self._process is not None:
            # Fast shutdown, then immediate: the next start recovers from the latter.
            terminate(self._process, (signal.SIGINT, 30), (signal.SIGQUIT, 10))
            self._process = None

    def remove(self) -> None:
        """Delete the data, the password and the log of the stopped server."""
        shutil.rmtree(self.folder.path, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        """Stop the server."""
        self.stop()

    def _refuse_second_server(self) -> None:
        process = self.folder.server_process()
        if process is not None:
            raise LocalPostgresError(
                f"A PostgreSQL server already runs on {self.folder.path} (process {process}): is "
                "`veritas up` running in another terminal? Stop that one first."
            )
        self.folder.remove_stale_pid_file()

    def _programs(self) -> Programs:
        written_by = self.folder.major_version()
        programs = find_programs(written_by)
        if written_by not in (None, programs.major):
            raise LocalPostgresError(
                f"The data in {self.folder.path} were written by PostgreSQL {written_by}, but the "
                f"programs in {programs.folder} are version {programs.version}. Set POSTGRES_BIN "
                f"to the bin folder of PostgreSQL {written_by}, or move the folder away to start "
                "with empty tables."
            )
        return reachable_programs(programs, self.folder.account, self.folder.path)

    def _choose_port(self) -> None:
        if self._port is None:
            self.port = free_port()
        elif not port_is_free(HOST, self._port):
            raise LocalPostgresError(
                f"Port {self._port} of {HOST}, where PostgreSQL should listen, is taken by "
                f"{holder_of(self._port) or 'another process'}. Stop that, or set POSTGRES_PORT "
                "to a free port."
            )

    def _launch(self, program: Path) -> None:
        options = {**_OPTIONS, "port": str(self.port), **self._options}
        command = [str(program), "-D", str(self.folder.data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with self.folder.open_log() as log:
            self._process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder.path,
                env=environment(),
                **detached(signal.SIGINT),
                **self.folder.popen_arguments,
            )

    def _answers_in_time(self, *, is_last: bool) -> bool:
        """Wait until the server answers; return False if another process took its port."""
        try:
            self._wait_until_it_answers()
        except LocalPostgresError:
            if is_last or self._port is not None or "TCP/IP" not in self.folder.failure_line():
                raise
            return False
        return True

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        while not self._answers():
            if self.exit_status is not None or time.monotonic() > deadline:
                state = "did not start" if self.exit_status is not None else "does not answer"
                raise LocalPostgresError(
                    f"PostgreSQL on {self.folder.path} {state}: {self.folder.failure_line()} "
                    f"(all it said is in {self.folder.log})"
                )
            time.sleep(0.03)

    def _answers(self) -> bool:
        try:
            with administering(self.url_of("postgres")):
                return True
        except OperationalError as refusal:
            if "password authentication failed" in str(refusal.orig):
                raise LocalPostgresError(
                    f"PostgreSQL on {self.folder.path} does not accept the password in "
                    f"{self.folder.path / 'password'}: put the right one there, or move the folder "
                    "away to start with empty tables."
                ) from None
            return False

    def _create_database(self) -> None:
        with administering(self.url_of("postgres")) as connection:
            query = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if connection.scalar(query, {"name": _DATABASE}) is None:
                connection.execute(text(f"CREATE DATABASE {_DATABASE}"))


@contextmanager
def temporary_postgres(
    options: Mapping[str, str] = MappingProxyType(THROW_AWAY), *, port: int | None = None
) -> Iterator[LocalPostgres]:
    """Run a server on empty data, and delete its folder afterwards.

    Raises:
        LocalPostgresError: the server cannot run.

    """
    with tempfile.TemporaryDirectory(prefix="veritas-", ignore_cleanup_errors=True) as folder:
        server = LocalPostgres(Path(folder), port=port, options=options)
        try:
            with server:
                yield server
        finally:
            server.remove()


def running_url(folder: Path) -> str | None:
    """Return the URL of the server that `veritas up` runs on that folder, or None."""
    place = PostgresFolder.at(folder)
    port = place.server_port() if place.server_process() else None
    return server_url(port, place.password(), _DATABASE) if port else None
