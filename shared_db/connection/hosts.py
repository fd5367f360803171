"""Hosts of a database URL: one or several, of which the first usable one is taken."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import URL, Engine, event

_DEFAULT_PORT = "5432"
_MAX_PORT = 65535
# Scheme with user and password, several hosts, and the rest. An @ can only be before the hosts.
_SEVERAL_HOSTS = re.compile(r"([a-z0-9+]+://(?:[^@/?#]*@)?)([^@/?#]*,[^@/?#]*)([/?#][^@]*)?")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:,]+)(?::([0-9]{0,5}))?")


@dataclass(frozen=True)
class Host:
    """Name, address or socket folder of a server, and its port; empty if it has the default."""

    name: str
    port: str = ""

    def __str__(self) -> str:
        """Return the host as messages show it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{name or 'local socket'}:{self.port or _DEFAULT_PORT}"


def separate_hosts(text: str) -> tuple[str, tuple[Host, ...]]:
    """Return a URL without its hosts, and these if it has several.

    SQLAlchemy reads several hosts only from the query.

    Raises:
        ValueError: a host or port is malformed.

    """
    found = _SEVERAL_HOSTS.fullmatch(text)
    if found is None:
        return text, ()
    before, hosts, rest = found.groups(default="")
    return before + (rest or "/"), tuple(map(_parsed, hosts.split(",")))


def hosts_of(url: URL, separated: Sequence[Host] = ()) -> tuple[Host, ...]:
    """Return the hosts of a URL; a URL without any has one local socket.

    separated: hosts that were read before.

    Raises:
        ValueError: a host or port is malformed, or their numbers differ.

    """
    hosts = separated
    if not hosts and "host" in url.query:
        names = _values(url.query["host"])
        hosts = [Host(name) if _is_bare(name) else _parsed(name) for name in names]
    hosts = hosts or [Host(name) for name in (url.host or "").split(",")]
    return _paired(hosts, _values(url.query.get("port")) or [str(url.port or "")])


def with_hosts(url: URL, hosts: Sequence[Host]) -> URL:
    """Return the URL with several hosts in libpq's form, as `host=h1,h2&port=5432,5433`."""
    url = url.difference_update_query(["host", "port"]).set(host=None, port=None)
    query = {"host": ",".join(host.name for host in hosts)}
    if any(host.port for host in hosts):
        query["port"] = ",".join(host.port for host in hosts)
    return url.update_query_dict(query)


def described_hosts(url: URL) -> str:
    """Return the hosts of a URL for a message, without user and password."""
    return ", ".join(map(str, hosts_of(url)))


def prefer_last_host(engine: Engine) -> None:
    """Make the engine try the host that answered last before the others.

    Otherwise each connection would wait for a first host that is away.
    """
    hosts = hosts_of(engine.url)
    if len(hosts) > 1:
        order = _order(hosts)
        event.listen(engine, "do_connect", order.arrange)
        event.listen(engine, "connect", order.record)


class _HostOrder:
    """Order in which hosts are tried, for all engines of a process with these hosts."""

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        self._hosts = hosts
        self._first = hosts[0]

    def arrange(
        self, _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]
    ) -> None:
        others = [host for host in self._hosts if host != self._first]
        hosts = [self._first, *others]
        # Threads share the options: names and ports are replaced in one step.
        options.update(
            host=",".join(host.name for host in hosts), port=",".join(host.port for host in hosts)
        )

    def record(self, connection: Any, _record: Any) -> None:
        name, port = connection.info.host, str(connection.info.port)
        for host in self._hosts:
            if (host.name, host.port or _DEFAULT_PORT) == (name, port):
                self._first = host


@lru_cache
def _order(hosts: tuple[Host, ...]) -> _HostOrder:
    return _HostOrder(hosts)


def _is_bare(name: str) -> bool:
    """Return True for a socket's folder, or an IPv6 address without brackets and port."""
    return name.startswith(("/", "@")) or (name.count(":") > 1 and not name.startswith("["))


def _parsed(text: str) -> Host:
    found = _HOST.fullmatch(text)
    if found is None or (found[2] and not 1 <= int(found[2]) <= _MAX_PORT):
        raise ValueError("malformed host or port")
    return Host(found[1].strip("[]"), found[2] or "")


def _values(value: str | tuple[str, ...] | None) -> list[str]:
    values = (value,) if isinstance(value, str) else value or ()
    return [part for one in values for part in one.split(",")]


def _paired(hosts: Sequence[Host], ports: Sequence[str]) -> tuple[Host, ...]:
    if len(ports) == 1:  # the port of all
        ports = [ports[0]] * len(hosts)
    if len(ports) != len(hosts) or any(port and not port.isdigit() for port in ports):
        raise ValueError("as many ports as hosts, or one")
    return tuple(
        Host(host.name, host.port or port) for host, port in zip(hosts, ports, strict=True)
    )
