"""Free ports, and the holders of the others."""

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from veritas_cli.processes.ports import free_port, holder_of, port_is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not port_is_free("127.0.0.1", taken)
    assert not port_is_free("0.0.0.0", taken)  # noqa: S104 - nothing listens


def test_a_closed_port_is_free() -> None:
    assert port_is_free("127.0.0.1", free_port())


def test_lingering_connections_do_not_take_a_port() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        port = server.getsockname()[1]
        server.accept()[0].close()  # closed by the server first, so the server's side lingers
    assert port_is_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        port_is_free("192.0.2.1", free_port())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the listening process")
def test_the_holder_of_a_port_is_named(taken: int) -> None:
    holder = holder_of(taken)
    assert holder is not None
    assert f"(process {os.getpid()})" in holder


def test_a_free_port_has_no_holder() -> None:
    assert holder_of(free_port()) is None
