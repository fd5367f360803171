"""A proxy of the server that freezes, like a server with a hanging machine or disk."""

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
    """Proxy that forwards bytes until it freezes; then connections stay open.

    queries: messages with statements that clients sent.
    """

    def __init__(self, url: str) -> None:
        behind = make_url(url)
        self._server = (behind.host or "127.0.0.1", behind.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flows = threading.Event()
        self._flows.set()
        self._freezes_at: bytes | None = None
        self.queries: list[bytes] = []
        self._sockets: list[socket.socket] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        through = behind.set(host="127.0.0.1", port=self._listener.getsockname()[1])
        self.url = through.render_as_string(hide_password=False)

    def freeze(self, at: bytes | None = None) -> None:
        """Forward nothing from now on, or from the moment that a client sends these bytes."""
        self._freezes_at = at
        if at is None:
            self._flows.clear()

    def thaw(self) -> None:
        """Forward again, first the bytes held back."""
        self._freezes_at = None
        self._flows.set()

    def ended(self, work: Callable[[], T]) -> T:
        """Return the result of the work, or raise its error, while the server is frozen.

        Raises:
            TimeoutError: it ended only when the server thawed.

        """
        with ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(work).result(_LONGER_THAN_ANY_LIMIT_SECONDS)
            finally:
                self.thaw()

    def close(self) -> None:
        """Close the port and every connection."""
        self.thaw()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                for ends in ((client, server, self.queries), (server, client, [])):
                    threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, queries: list[bytes]) -> None:
        with suppress(OSError):
            while sent := source.recv(65536):
                if sent.startswith(b"Q"):  # libpq sends a short query at once
                    queries.append(sent[5:].rstrip(b"\0"))
                if self._freezes_at is not None and self._freezes_at in sent:
                    self._flows.clear()
                self._flows.wait()
                target.sendall(sent)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def freezing(url: str) -> Iterator[FreezingServer]:
    """Give a proxy of the server at this URL."""
    server = FreezingServer(url)
    try:
        yield server
    finally:
        server.close()
