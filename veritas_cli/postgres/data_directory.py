"""Folder of a local PostgreSQL: the data, the password and the log of one server."""

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from veritas_cli.postgres.binaries import LocalPostgresError
from veritas_cli.postgres.os_account import Account, account_for, nearest_existing

_ELSEWHERE = Path("/var/lib/veritas")


@dataclass(frozen=True)
class PostgresFolder:
    """Folder of one local server, and the account that it runs as if that is not ours."""

    path: Path
    account: Account | None

    @classmethod
    def at(cls, wanted: Path) -> "PostgresFolder":
        """Return the folder, or a substitute under /var/lib/veritas.

        The substitute is for a folder that PostgreSQL's account cannot enter: root's home is closed
        to all other accounts.
        """
        wanted = wanted.resolve()
        account = account_for(wanted)
        if account is None or account.may_enter(nearest_existing(wanted.parent)):
            return cls(wanted, account)
        name = hashlib.blake2b(os.fsencode(wanted), digest_size=6).hexdigest()
        return cls(_ELSEWHERE / name, account_for(_ELSEWHERE / name))

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self.path / "server.log"

    def prepare(self) -> None:
        """Create the folder with access for the account only.

        Raises:
            LocalPostgresError: it cannot be created or entered.

        """
        try:
            # Every account must be able to pass the folders above it, despite the umask.
            for above in reversed(self.path.parents):
                if not above.exists():
                    above.mkdir()
                    above.chmod(0o755)
            self.path.mkdir(mode=0o700, exist_ok=True)
            if self.account:
                self.account.chown(self.path)
        except OSError as failure:
            raise LocalPostgresError(
                f"The folder {self.path} for PostgreSQL's data cannot be made: {failure.strerror}."
            ) from failure
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise LocalPostgresError(
                f"PostgreSQL's data in {self.path} belong to {self.path.owner()}: start it as that "
                "account, or set DATABASE_URL to another server."
            )

    def open_log(self) -> IO[bytes]:
        """Empty the log and return it for writing."""
        return self._open("server.log", "wb")

    def failure_line(self) -> str:
        """Return the line of the log with the reason why the server ended, or else the last one."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()
            # Refused connections during start and shutdown are FATAL too, but not the reason.
            relevant = [line for line in lines if "the database system is" not in line]
            fatal = [line for line in relevant if "FATAL:" in line or "PANIC:" in line]
            for line in (fatal or relevant)[-1:]:
                return line.strip()
        return "(its log is empty)"

    def password(self) -> str:
        """Return the password of the server's one user, and create it on the first call."""
        place = self.path / "password"
        if not place.exists():
            with self._open("password", "xb") as file:
                file.write(secrets.token_urlsafe(32).encode())
        return place.read_text()

    def major_version(self) -> int | None:
        """Return the major version of PostgreSQL that wrote the data; None without data."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def server_process(self) -> int | None:
        """Return the process id of the server that runs on these data, or None."""
        try:
            process = int(self._pid_file_lines()[0])
            if Path("/proc/self").exists():
                # After a crash another process may have the number.
                is_server = Path(f"/proc/{process}/cwd").samefile(self.data)
            else:
                os.kill(process, 0)
                is_server = True
        except (OSError, ValueError, IndexError):
            return None
        return process if is_server else None

    def server_port(self) -> int | None:
        """Return the port of the running server, from its pid file."""
        try:
            return int(self._pid_file_lines()[3])
        except (OSError, ValueError, IndexError):
            return None

    def remove_stale_pid_file(self) -> None:
        """Remove the pid file of a killed server.

        PostgreSQL does so itself, unless another process of the same account has the number now:
        then it would refuse to start.
        """
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """The arguments of `subprocess` that start a process as the account."""
        return self.account.popen_arguments if self.account else {}

    def _pid_file_lines(self) -> list[str]:
        return (self.data / "postmaster.pid").read_text().splitlines()

    def _open(self, name: str, mode: str) -> IO[bytes]:
        # Root writes where the account may write too, so it must not follow the account's links.
        def private(path: str, flags: int) -> int:
            return os.open(path, flags | os.O_NOFOLLOW, 0o600)

        file: IO[bytes] = open(self.path / name, mode, opener=private)  # noqa: SIM115 - Path.open takes no opener
        if self.account:
            os.fchown(file.fileno(), self.account.uid, self.account.gid)
        return file


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs, without the caller's `PG...` variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
