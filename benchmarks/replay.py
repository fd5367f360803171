"""Replay of the spool beside direct batches, with single events at the same time.

Batches are sent during an outage of PostgreSQL. The rate of their replay is compared with that of
the same batches sent directly, and the rate of single events with their rate alone.
"""

import json
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from benchmarks.support.command import run
from benchmarks.support.timing import machine
from shared_db.ids import new_id
from tests.support.service_processes import Running, Server, migrated_server, running

BATCH = 1000
LIVE_CLIENTS = 2
LIVE_SECONDS = 8


@dataclass(frozen=True)
class Target:
    """A service, its route of events, and a function that returns one event as JSON."""

    package: str
    route: str
    event: Callable[[str, int], dict[str, Any]]


def _system_event(id_: str, number: int) -> dict[str, Any]:
    return {
        "event_id": id_,
        "source": f"web-{number % 20}",
        "event_type": "request",
        "message": "GET /courses answered",
        "data": {"response_time": 20 + number % 200, "status": 200},
    }


def _learning_event(id_: str, number: int) -> dict[str, Any]:
    return {
        "id": id_,
        "student_id": f"s{number % 2000}",
        "event_type": "RESOURCE_VIEW",
        "course": "AAA-2013J",
        "data": {"resource_id": f"page-{number % 50}"},
    }


TARGETS = (
    Target("monitoring_service", "/api/v1/monitoring/events", _system_event),
    Target("dropout_service", "/api/v1/events", _learning_event),
)


@dataclass
class Live:
    """Clients that send single events one after another, and their counts."""

    url: str
    headers: dict[str, str]
    event: Callable[[str, int], dict[str, Any]]
    stored: int = 0
    spooled: int = 0
    refused: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def sending(self) -> Iterator["Live"]:
        """Send during the context."""
        threads = [threading.Thread(target=self._send) for _ in range(LIVE_CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _send(self) -> None:
        with httpx.Client(headers=self.headers, timeout=60) as client:
            for number in count():
                if self._is_over.is_set():
                    return
                answer = client.post(self.url, json=self.event(f"live-{new_id()}", number))
                with self._lock:
                    self.stored += answer.is_success
                    self.spooled += "Veritas-Storage" in answer.headers
                    self.refused += not answer.is_success


class Measurement:
    """Measurements of one service."""

    def __init__(self, server: Server, target: Target, found: Running, batches: int) -> None:
        self._server = server
        self._target = target
        self._url = found.url
        self._batches = batches
        self._headers = {"Authorization": f"Bearer {server.key}"}
        self._client = httpx.Client(headers=self._headers, timeout=120)
        self.most_waiting = 0

    def _live(self) -> Live:
        return Live(self._url + self._target.route, self._headers, self._target.event)

    def live_alone(self) -> float:
        """Return single events a second, without other load."""
        with self._live().sending() as live:
            time.sleep(LIVE_SECONDS)
            return live.stored / LIVE_SECONDS

    def direct(self) -> tuple[float, float]:
        """Return rows of batches, and single events, a second."""
        return self._with_live(self._send_batches)

    def replay(self) -> tuple[float, float, Live]:
        """Return rows of the spool, and single events, a second; and the counts of the latter."""
        with self._server.away():
            self._wait(lambda ready: ready["storage"] == "spool")
            self._send_batches()
            self.most_waiting = self._ready()["spool"]["waiting"]
        live = self._live()
        with live.sending():
            self._wait(lambda ready: ready["storage"] == "postgresql")
            started, stored = time.monotonic(), live.stored
            self._wait(lambda ready: ready["spool"]["waiting"] == 0)
            seconds = time.monotonic() - started
            sent = live.stored - stored
        return self.most_waiting / seconds, sent / seconds, live

    def _with_live(self, work: Callable[[], None]) -> tuple[float, float]:
        with self._live().sending() as live:
            time.sleep(1)
            started, stored = time.monotonic(), live.stored
            work()
            seconds = time.monotonic() - started
            return self._batches * BATCH / seconds, (live.stored - stored) / seconds

    def _send_batches(self) -> None:
        for _ in range(self._batches):
            items = [self._target.event(new_id(), number) for number in range(BATCH)]
            self._send(json.dumps(items))

    def _send(self, body: str) -> None:
        headers = {"Content-Type": "application/json"}
        url = f"{self._url}{self._target.route}/batch"
        while (answer := self._client.post(url, content=body, headers=headers)).status_code == 503:
            time.sleep(0.1)
        answer.raise_for_status()

    def _ready(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get(f"{self._url}/readyz").json()
        return answer

    def _wait(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        while not condition(self._ready()):
            time.sleep(0.1)


def _measure(measured: Measurement, name: str, found: Running) -> None:
    alone = measured.live_alone()
    direct, beside_direct = measured.direct()
    before = found.mebibytes
    replayed, beside_replay, live = measured.replay()
    time.sleep(2)
    print(f"\n{name}, rows and events a second")
    print(f"  single events alone                      {alone:>9,.0f}")
    print(f"  direct batches of {BATCH}                   {direct:>9,.0f}")
    print(f"    single events beside them              {beside_direct:>9,.0f}")
    print(
        f"  replay of {measured.most_waiting:>7,} rows                   {replayed:>9,.0f}", end=""
    )
    print(f"   {replayed / direct:.2f} of direct batches")
    print(f"    single events beside it                {beside_replay:>9,.0f}", end="")
    print(f"   {beside_replay / alone:.2f} of alone")
    print(f"    of them spooled or refused             {live.spooled:>9} {live.refused:>9}")
    print(f"  memory before, at most and after, MiB    {before:>9.0f}", end="")
    print(f" {found.peak_mebibytes:>9.0f} {found.mebibytes:>9.0f}")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--batches", type=int, default=30, help=f"of {BATCH} rows")


def main(options: Namespace) -> bool:
    """Measure both services and print a table."""
    with migrated_server() as server:
        print(machine(server))
        for target in TARGETS:
            quiet = {"LOG_LEVEL": "WARNING"}
            with running(target.package, [target.package], server, quiet) as found:
                _measure(Measurement(server, target, found, options.batches), target.package, found)
    return True


if __name__ == "__main__":
    run("replay")
