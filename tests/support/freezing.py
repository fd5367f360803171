"""A way to the tests' server that freezes, as a server does whose machine or disk hangs."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import make_url

T = TypeVar("T")

_LONGER_THAN_ANY_LIMIT_SECONDS = 30


class FreezingServer:
    """Hands on what clients and the server say, until it freezes; connections stay open then."""

    def __init__(self, url: str) -> None:
        behind = make_url(url)
        self._server = (behind.host or "127.0.0.1", behind.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flows = threading.Event()
        self._flows.set()
        self._freezes_at: bytes | None = None
        self._sockets: list[socket.socket] = []
        self._taker = threading.Thread(target=self._take, daemon=True)
        self._taker.start()
        through = behind.set(host="127.0.0.1", port=self._listener.getsockname()[1])
        self.url = through.render_as_string(hide_password=False)

    def freeze(self, at: bytes | None = None) -> None:
        """Hand nothing on any more: from now on, or from where a client says this."""
        self._freezes_at = at
        if at is None:
            self._flows.clear()

    def thaw(self) -> None:
        """Hand on again, first what was held back."""
        self._freezes_at = None
        self._flows.set()

    def ended(self, work: Callable[[], T]) -> T:
        """Return what the work returns or raise what it raises, though the server is frozen.

        Raises:
            TimeoutError: it did not end until the server thawed.

        """
        with ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(work).result(_LONGER_THAN_ANY_LIMIT_SECONDS)
            finally:
                self.thaw()

    def close(self) -> None:
        """End the listening and every connection."""
        self.thaw()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._taker.join()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._hand_on, args=ends, daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(65536):
                if self._freezes_at is not None and self._freezes_at in said:
                    self._flows.clear()
                self._flows.wait()
                target.sendall(said)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def freezing(url: str) -> Iterator[FreezingServer]:
    """Give such a way to the server of this URL."""
    server = FreezingServer(url)
    try:
        yield server
    finally:
        server.close()
