"""PgBouncer in transaction mode before the tests' server, where it is installed."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from tests.server import admin_url
from veritas_cli.accounts import account_for
from veritas_cli.parting import apart, end
from veritas_cli.ports import free_port
from veritas_cli.postgres_connection import HOST, administering

Pooled = Callable[[str], str]

_CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 4
"""


@pytest.fixture(scope="session")
def pooled() -> Iterator[Pooled]:
    """Give the URL of a database through the pooler, for its URL without."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    server = make_url(admin_url())
    with tempfile.TemporaryDirectory(prefix="veritas-pooler-") as name:
        port = free_port()
        process = _started(program, Path(name), server, port)

        def through(url: str) -> str:
            pooled_url = make_url(url).set(host=HOST, port=port)
            return pooled_url.render_as_string(hide_password=False)

        try:
            _wait_until_it_answers(process, through(admin_url()))
            yield through
        finally:
            end(process, (signal.SIGTERM, 10))


def _started(program: str, folder: Path, server: URL, port: int) -> subprocess.Popen[bytes]:
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{server.username}" "{server.password or ""}"\n')
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.host, port=server.port or 5432, own_port=port, users=users
        )
    )
    account = account_for(folder)  # it, too, refuses to run as root
    for path in (folder, users, configuration):
        if account is not None:
            account.owns(path)
    return subprocess.Popen(
        [program, "-q", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **apart(signal.SIGTERM),
        **(account.for_process if account else {}),
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
