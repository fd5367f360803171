"""One service as a process of ours: its output, whether it is ready, and its end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from shared_web.operations.readiness import url_at
from shared_web.operations.serve import DRAIN_SECONDS
from veritas_cli.processes.termination import apart, end

# Uvicorn answers the requests it has before it ends, so it gets a little longer than that.
STOP_SECONDS = DRAIN_SECONDS + 2


@dataclass
class ServiceProcess:
    """A service that `veritas up` runs; its port is the setting `<name>_port`."""

    package: str
    host: str
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _reader: threading.Thread | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What it is called in the output."""
        return self.package.removesuffix("_service")

    @property
    def variable(self) -> str:
        """The setting that decides its port."""
        return f"{self.name.upper()}_PORT"

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        return url_at(self.host, self.port)

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it with these variables beside our own."""
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", self.package],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            **apart(signal.SIGTERM),
        )

    def follow(self, tell: Callable[[str, str], None]) -> None:
        """Hand each line that it writes to `tell(name, line)`, from a thread, until it ends."""
        self._reader = threading.Thread(target=self._read, args=(tell,), daemon=True)
        self._reader.start()

    def is_ready(self, client: httpx.Client) -> bool:
        """Ask it whether it can serve requests."""
        try:
            return client.get(f"{self.address}/readyz").is_success
        except httpx.TransportError:
            return False

    def ask_to_stop(self) -> None:
        """Let it finish what it is doing; `stop` waits for that."""
        if self._process and self.exit_status is None:
            self._process.terminate()

    def stop(self) -> None:
        """Wait until it has ended, by force if it takes too long, and its last line is told."""
        if self._process:
            end(self._process, (signal.SIGTERM, STOP_SECONDS))
        if self._reader:
            self._reader.join(timeout=2)

    def _read(self, tell: Callable[[str, str], None]) -> None:
        if self._process and self._process.stdout:
            with self._process.stdout as lines:
                for line in lines:
                    tell(self.name, line.decode(errors="replace").rstrip())
