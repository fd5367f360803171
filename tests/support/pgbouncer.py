"""PgBouncer in transaction mode before a server, over TCP and over a Unix socket."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from veritas_cli.postgres.admin_connection import HOST, administering
from veritas_cli.postgres.os_account import account_for
from veritas_cli.processes.ports import free_port
from veritas_cli.processes.termination import detached, terminate

_CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = {auth}
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 1000
"""
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin"


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer; each method returns the URL through it for a URL without."""

    folder: Path
    port: int

    def over_tcp(self, url: str) -> str:
        """Return the URL over TCP."""
        through = make_url(url).set(host=HOST, port=self.port)
        return through.render_as_string(hide_password=False)

    def over_socket(self, url: str) -> str:
        """Return the URL over the socket."""
        place = {"host": str(self.folder), "port": str(self.port)}
        through = make_url(url)._replace(host=None, port=None).update_query_dict(place)
        return through.render_as_string(hide_password=False)


def is_installed() -> bool:
    """Return True if PgBouncer is on this machine."""
    return _program() is not None


@contextmanager
def pooler(
    server_url: str, *, connections: int = 4, auth: str = "scram-sha-256"
) -> Iterator[Pooler]:
    """Give a PgBouncer before the server, with at most so many connections a database.

    auth: PgBouncer's `auth_type`.

    Raises:
        RuntimeError: it is not installed.

    """
    program = _program()
    if program is None:
        raise RuntimeError("PgBouncer is not installed.")
    with tempfile.TemporaryDirectory(prefix="veritas-pooler-") as name:
        running = Pooler(Path(name), free_port())
        process = _started(program, running, make_url(server_url), connections, auth)
        try:
            _wait_until_it_answers(process, running.over_tcp(server_url))
            yield running
        finally:
            terminate(process, (signal.SIGTERM, 10))


def _program() -> str | None:
    return shutil.which("pgbouncer", path=_PLACES)


def _started(
    program: str, running: Pooler, server: URL, connections: int, auth: str
) -> subprocess.Popen[bytes]:
    folder = running.folder
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{server.username}" "{server.password or ""}"\n')
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.host,
            port=server.port or 5432,
            own_port=running.port,
            folder=folder,
            connections=connections,
            auth=auth,
        )
    )
    account = account_for(folder)  # PgBouncer refuses to run as root
    for path in (folder, users, configuration):
        if account is not None:
            account.chown(path)
    return subprocess.Popen(
        [program, "-q", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **detached(signal.SIGTERM),
        **(account.popen_arguments if account else {}),
    )


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with administering(url) as connection:
                connection.execute(text("SELECT 1"))
                return
        except OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
