"""TCP ports of this machine, and the processes that hold them."""

import errno
import socket
from contextlib import suppress
from pathlib import Path

_LISTENING = "0A"

# Ports returned before: their callers may not listen on them yet.
_given: set[int] = set()


def port_is_free(host: str, port: int) -> bool:
    """Return True if a server could listen there now.

    Raises:
        OSError: the host is not an address of this machine.

    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # Like servers, so that lingering connections of an earlier run do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except OSError as refusal:
            if refusal.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_port() -> int:
    """Return a free port of 127.0.0.1; never the same one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def holder_of(port: int) -> str | None:
    """Return the process that listens on the port, as `python3 (process 4711)`; None if unknown.

    Known on Linux only, and for processes of other accounts to root only.
    """
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if handle.readlink().name in inodes:
                        name = (process / "comm").read_text().strip()
                        return f"{name} (process {process.name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes
