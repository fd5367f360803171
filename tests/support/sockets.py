"""HTTP clients on plain sockets, for requests that no client library sends."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

# A longer wait is a failure, not a slow machine.
_SECONDS = 30
SMALLEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """Response of the server; the status is 0 if it closed the connection without one."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> Any:
        """Body of a refusal."""
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


class Client:
    """Connection to a server."""

    def __init__(self, connection: socket.socket, reader: BinaryIO) -> None:
        self.connection = connection
        self._reader = reader

    def send(self, data: bytes) -> Self:
        """Send the data, unless the server has closed the connection."""
        try:
            self.connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return self
        return self

    def read(self) -> Answer:
        """Return the next response."""
        try:
            first = self._reader.readline()
        except ConnectionResetError:
            return Answer()
        if not first:
            return Answer()
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.partition(b": ")
            headers[name.decode().lower()] = value.decode()
        body = self._reader.read(int(headers["content-length"]))
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Wait for the server to close; return True if it sent no further byte."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def connected(port: int) -> Iterator[Client]:
    """Give a connection to a local port."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection,
        connection.makefile("rb") as reader,
    ):
        yield Client(connection, reader)


def asked(port: int, data: bytes = SMALLEST) -> Answer:
    """Return the response to the data, sent on a new connection."""
    with connected(port) as client:
        return client.send(data).read()
