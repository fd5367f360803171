"""Child process of one service: its output, readiness and termination."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared_web.operations.readiness import readiness_failure, url_at
from shared_web.operations.serve import DRAIN_SECONDS
from veritas_cli.processes.termination import detached, terminate

# Uvicorn needs up to DRAIN_SECONDS to answer the requests in flight.
STOP_SECONDS = DRAIN_SECONDS + 2


@dataclass
class ServiceProcess:
    """A service, or the pages, that `veritas up` runs; its port is the setting `<name>_port`."""

    package: str
    host: str
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _reader: threading.Thread | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The service's name in the output."""
        return self.package.removesuffix("_service").removeprefix("veritas_")

    @property
    def variable(self) -> str:
        """The setting of its port."""
        return f"{self.name.upper()}_PORT"

    @property
    def address(self) -> str:
        """The URL for a browser on this machine."""
        return url_at(self.host, self.port)

    @property
    def exit_status(self) -> int | None:
        """The exit status; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the service with these variables added to our own."""
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", self.package],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            **detached(signal.SIGTERM),
        )

    def follow(self, write: Callable[[str, str], None]) -> None:
        """Call `write(name, line)` with each line of its output, from a thread, until it ends."""
        self._reader = threading.Thread(target=self._read, args=(write,), daemon=True)
        self._reader.start()

    def is_ready(self) -> bool:
        """Return True if the service can serve requests."""
        return readiness_failure(self.port, self.host) is None

    def ask_to_stop(self) -> None:
        """Ask the service to stop after the requests in flight; `stop` waits for that."""
        if self._process and self.exit_status is None:
            self._process.terminate()

    def stop(self) -> None:
        """Wait for its end and its last line; kill it if that takes too long."""
        if self._process:
            terminate(self._process, (signal.SIGTERM, STOP_SECONDS))
        if self._reader:
            self._reader.join(timeout=2)

    def _read(self, write: Callable[[str, str], None]) -> None:
        if self._process and self._process.stdout:
            with self._process.stdout as lines:
                for line in lines:
                    write(self.name, line.decode(errors="replace").rstrip())
