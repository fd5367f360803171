"""HTTP over a plain socket, with requests that no client library would send."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

# A hang is a failure of the test.
_SECONDS = 30
SMALLEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def problem(self) -> Any:
        """The body of a refusal."""
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, connection: socket.socket, reader: BinaryIO) -> None:
        self.connection = connection
        self._reader = reader

    def send(self, data: bytes) -> Self:
        """Send the bytes; nothing if the server closed already."""
        try:
            self.connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return self
        return self

    def read(self) -> Answer | None:
        """Return the next answer; None when the server closed without one."""
        try:
            first = self._reader.readline()
        except ConnectionResetError:
            return None
        if not first:
            return None
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.partition(b": ")
            headers[name.decode().lower()] = value.decode()
        body = self._reader.read(int(headers["content-length"]))
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Wait until the server closes; return True if it sent no further byte."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def connected(port: int) -> Iterator[Client]:
    """Give a connection to a port of this machine."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection,
        connection.makefile("rb") as reader,
    ):
        yield Client(connection, reader)


def asked(port: int, data: bytes = SMALLEST) -> Answer | None:
    """Send the bytes over a new connection and return the answer."""
    with connected(port) as client:
        return client.send(data).read()
