"""Load on one route from a process of its own: keep-alive connections, one request after another.

Small, so that it takes little of the machine from the service: `wrk` is not in PyPI, and k6 takes
several times as much per request.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

WARM_UP_SECONDS = 1.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_KEY = "VERITAS_BENCH_KEY"


@dataclass(frozen=True)
class Request:
    """A request to repeat; `{n}` in path and body is a number from 1 to `most`."""

    method: str
    path: str
    body: str = ""
    most: int = 1

    def maker(self, host: str, key: str) -> Callable[[], bytes]:
        """Return a function that makes the bytes of the next request."""

        def make() -> bytes:
            n = str(random.randint(1, self.most))
            body = self.body.replace("{n}", n)
            return (
                f"{self.method} {self.path.replace('{n}', n)} HTTP/1.1\r\nHost: {host}\r\n"
                f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()

        return make


class _Client(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, make: Callable[[], bytes], finished: list[tuple[float, float]]) -> None:
        self._make = make
        self._finished = finished
        self._received = b""
        self.failure: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP gives no other
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._received = b""
        self._sent_at = time.perf_counter()
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if length is None or len(body) < int(length[1]):
            return
        now = time.perf_counter()
        self._finished.append((now, now - self._sent_at))
        if head[9:10] != b"2":
            self.failure = self._received.decode(errors="replace")
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, failure: Exception | None) -> None:
        self.failure = self.failure or str(failure or "")


async def _run(request: Request, url: str, clients: int, seconds: float) -> dict[str, float]:
    host, _, port = urlsplit(url).netloc.partition(":")
    make = request.maker(f"{host}:{port}", os.environ.get(_KEY, ""))
    finished: list[tuple[float, float]] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    connected = [
        await loop.create_connection(lambda: _Client(make, finished), host, int(port))
        for _ in range(clients)
    ]
    await asyncio.sleep(WARM_UP_SECONDS + seconds)
    for transport, client in connected:
        if client.failure is not None:
            raise SystemExit(f"{request.method} {request.path} was answered: {client.failure}")
        transport.abort()
    return _figures(finished, started + WARM_UP_SECONDS, seconds)


def _figures(finished: list[tuple[float, float]], start: float, seconds: float) -> dict[str, float]:
    within = sorted(latency for end, latency in finished if start <= end < start + seconds)
    return {"per_second": len(within) / seconds, **percentiles(within)}


def percentiles(latencies: list[float]) -> dict[str, float]:
    """Return the 50th and 99th percentile of the sorted latencies, in milliseconds."""
    count = len(latencies)
    return {f"p{p}": 1000 * latencies[min(count - 1, count * p // 100)] for p in (50, 99)}


def measure(
    request: Request, url: str, key: str, *, clients: int, seconds: float
) -> dict[str, float]:
    """Put the load on the service at `url`; return requests a second, p50 and p99.

    Raises:
        RuntimeError: a request was refused, or a connection was lost.

    """
    asked = {"request": vars(request), "url": url, "clients": clients, "seconds": seconds}
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.support.load", json.dumps(asked)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, _KEY: key},
    )
    if answer.returncode:
        raise RuntimeError(answer.stderr.strip())
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("asked", type=json.loads, help="arguments of `measure`, as JSON")
    asked = parser.parse_args().asked
    request = Request(**asked.pop("request"))
    print(json.dumps(asyncio.run(_run(request, **asked))))


if __name__ == "__main__":
    _main()
