"""PostgreSQL of one test run, started when the first test asks for its URL.

The first process of the run starts and stops the server; its xdist workers ask for the URL over a
socket. This module is light, since a unit test imports it, too.
"""

import fcntl
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

# Workers inherit both.
_RUN = "VERITAS_TEST_RUN"
_SOCKET = "VERITAS_TEST_SOCKET"


@contextmanager
def suite_server() -> Iterator[None]:
    """Answer requests for the URL until the end of the run, and stop the server if it started."""
    os.environ[_RUN] = f"veritas_test_{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="veritas-") as folder:
        os.environ[_SOCKET] = str(Path(folder, "socket"))
        with socket.create_server(os.environ[_SOCKET], family=socket.AF_UNIX) as listener:
            thread = threading.Thread(target=_answer_requests, args=(listener,))
            thread.start()
            try:
                yield
            finally:
                _request("stop")
                thread.join()


@cache
def admin_url() -> str:
    """Return the URL of the run's server, as a user with the right to create databases."""
    url, _, failure = _request("start").partition("\n")
    if failure:
        pytest.fail(failure, pytrace=False)
    return url


@contextmanager
def made_once(name: str) -> Iterator[tuple[Path, bool]]:
    """Give a path for all workers of the run, and True if the block has to make its content.

    Other workers wait for the end of the block. The folder of the path is deleted with the run.
    """
    place = Path(os.environ[_SOCKET]).with_name(name)
    with place.with_name(f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place, not place.exists()


def role_prefix() -> str:
    """Return the first part of the names of this run's roles, which belong to the whole server."""
    return os.environ[_RUN]


def _request(request: str) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[_SOCKET])
        connection.sendall(f"{request}\n".encode())
        return connection.makefile().read()


def _answer_requests(listener: socket.socket) -> None:
    # The server ends with the thread that started it: this one.
    with ExitStack() as undo:
        answer = b""
        while True:
            connection, _ = listener.accept()
            with connection:
                if connection.makefile().readline() == "stop\n":
                    return
                answer = answer or _start(undo).encode()
                connection.sendall(answer)


def _start(undo: ExitStack) -> str:
    """Return the URL of the started server; or a line break and the reason if it cannot run."""
    from tests.support.server import LocalPostgresError, server_of_the_run  # noqa: PLC0415 - heavy

    try:
        return undo.enter_context(server_of_the_run())
    except LocalPostgresError as failure:
        return f"\n{failure}"
