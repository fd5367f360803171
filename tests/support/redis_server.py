"""Redis server without persistence, on a private port of this machine, on wish with TLS."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from redis import ConnectionError as Refused
from redis import Redis

from veritas_cli.processes.ports import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


@dataclass(frozen=True)
class RedisServer:
    """Port of a server that can be started, and its process while it runs.

    tls: the server's options of TLS, and what a URL adds for its authority.
    """

    port: int
    tls: Sequence[str] = ()
    query: str = field(default="")

    @property
    def url(self) -> str:
        """Address for CACHE_URL."""
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://127.0.0.1:{self.port}/0{self.query}"

    @property
    def _listening(self) -> Sequence[str]:
        port = str(self.port)
        return ["--port", "0", "--tls-port", port, *self.tls] if self.tls else ["--port", port]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server in the block."""
        assert PROGRAM
        process = subprocess.Popen(
            [PROGRAM, *self._listening, "--bind", "127.0.0.1", "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not self.answers():
                assert process.poll() is None
                time.sleep(0.02)
            yield process
        finally:
            process.kill()
            process.wait()

    def answers(self) -> bool:
        """Return True if the server answers."""
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except Refused:
            return False


def redis_server() -> RedisServer:
    """Return a server that is not started yet."""
    return RedisServer(free_port())


def tls_redis_server(folder: Path, authority: trustme.CA) -> RedisServer:
    """Return a server that takes only TLS; the folder gets its files."""
    issued = authority.issue_cert("127.0.0.1")
    key, certificate, trusted = (folder / name for name in ("key.pem", "cert.pem", "ca.pem"))
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(certificate)
    authority.cert_pem.write_to_path(trusted)
    options = ["--tls-key-file", str(key), "--tls-cert-file", str(certificate)]
    options += ["--tls-ca-cert-file", str(trusted), "--tls-auth-clients", "no"]
    return RedisServer(free_port(), options, f"?ssl_ca_certs={trusted}")
