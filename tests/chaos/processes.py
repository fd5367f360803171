"""Processes to kill, freeze and start again: PostgreSQL, and services of two workers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from shared_db.spool.file import SpoolState
from shared_db.spool.queue import Spool
from shared_web.operations.readiness import readiness_failure
from tests.e2e.processes import all_gone, children_of, wait_until, without_settings
from tests.support.source_files import ROOT
from veritas_cli.postgres.server import LocalPostgres
from veritas_cli.processes.ports import free_port

# As in production, except for fsync: only a power cut would lose the writes of a killed process,
# which are in the system's cache.
DURABLE = {"fsync": "off", "synchronous_commit": "on", "max_connections": "200"}

# A command may fail without the database, but the next one runs.
_COMMANDS = """
import json, sys
from contextlib import suppress
from veritas_cli.main import app
for arguments in json.loads(sys.argv[1]):
    with suppress(SystemExit):
        app(arguments)
"""


class Server:
    """PostgreSQL on a fixed port; start and stop it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self._postgres = LocalPostgres(folder, port=free_port(), options=DURABLE)

    @property
    def url(self) -> str:
        """The URL of its database."""
        return self._postgres.url

    @property
    def data(self) -> Path:
        """The folder of its data."""
        return self._postgres.folder.data

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._postgres.start()

    def stop(self) -> None:
        """Stop it in order, frozen or not."""
        self._signal(signal.SIGCONT)
        self._postgres.stop()

    def remove(self) -> None:
        """Delete its data."""
        self._postgres.remove()

    def kill(self) -> None:
        """Kill all of its processes at once, like a crash of the machine."""
        processes = self._signal(signal.SIGKILL)
        self._postgres.stop()
        assert all_gone(processes)

    def freeze(self) -> None:
        """Freeze it: it keeps its connections and accepts new ones, and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it continue."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> set[int]:
        main = self._postgres.folder.server_process()
        if main is None:
            return set()
        processes = {main, *children_of(main)}
        for process in processes:
            _send(process, number)
        return processes


class Service:
    """One service with two workers, in production, in a folder of its own."""

    def __init__(self, name: str, folder: Path, database_url: str, workers: int = 2) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api/v1"
        self.spool = Spool.of_service(folder / "spool", name)
        self._folder = folder
        self._variables = {
            "DATABASE_URL": database_url,
            "SPOOL_PATH": str(folder / "spool"),
            "WORKERS": str(workers),
            "PYTHONPATH": str(ROOT),
            f"{name.upper()}_PORT": str(self.port),
            "RECORDS_REFRESH_SECONDS": "0",
            "LOG_LEVEL": "WARNING",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, without waiting for it."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{self.name}_service"],
                cwd=self._folder,
                env=without_settings(**self._variables),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Return True if this process serves requests, and not another one on the port."""
        is_running = self._process is not None and self._process.poll() is None
        return is_running and readiness_failure(self.port) is None

    def start(self) -> None:
        """Start it, and wait until it serves requests."""
        self.launch()
        assert wait_until(self.is_ready), f"{self.name} does not start"

    def kill(self) -> None:
        """Kill the service with its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def kill_a_worker(self, number: int) -> None:
        """Kill one of the workers; the service starts another."""
        workers = sorted(self._workers())
        if workers:
            _send(workers[number % len(workers)], signal.SIGKILL)

    def operate(self, *commands: Sequence[str]) -> None:
        """Run commands of `veritas` beside the service, as an operator, in one process."""
        subprocess.run(
            [sys.executable, "-c", _COMMANDS, json.dumps(commands)],
            cwd=self._folder,
            env=without_settings(**self._variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def deleted_files(self) -> list[str]:
        """Return deleted files of the spool that its processes have open."""
        processes = {self._process.pid, *self._workers()} if self._process else set()
        return [name for process in processes for name in _deleted_files_of(process)]

    def waiting(self) -> SpoolState:
        """Return the state of its spool file."""
        return self.spool.state()

    def _workers(self) -> set[int]:
        # Another child is Python's tracker of resources.
        found = children_of(self._process.pid) if self._process else set()
        return {w for w in found if b"spawn_main" in Path(f"/proc/{w}/cmdline").read_bytes()}


def _deleted_files_of(process: int) -> list[str]:
    try:
        names = [str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir()]
    except FileNotFoundError:  # it ended, or closed one of them, meanwhile
        return []
    return [name for name in names if "-spool.db" in name and name.endswith("(deleted)")]


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
