"""Redis server without persistence, on a private port of this machine."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import ConnectionError as Refused
from redis import Redis

from veritas_cli.processes.ports import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


@dataclass(frozen=True)
class RedisServer:
    """Port of a server that can be started, and its process while it runs."""

    port: int

    @property
    def url(self) -> str:
        """Address for CACHE_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server in the block."""
        assert PROGRAM
        process = subprocess.Popen(
            [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
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
