"""Ingest of single events and batches, beside the limits of the machine; needs wrk.

The limits are of the same run: pgbench on the same INSERT, bare COPY into the same table with its
indexes, an empty route of the same app, the same route without group commit.
"""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from benchmarks.support import pgbench, wrk
from benchmarks.support.bare import copied, recorded_insert, require_students
from benchmarks.support.command import run
from benchmarks.support.table import TURNS, Line, Measure, in_turns, print_head
from benchmarks.support.timing import machine
from tests.support.service_processes import Running, Server, migrated_server, running

SINGLE_CLIENTS = (16, 256)
MANY = 64
BATCHES = (100, 1_000, 10_000)
BATCH_CLIENTS = 2
# The server accepts one connection in each round of its loop, so the last of many clients waits
# half a second and more for its first answer. That must not reach the 99th percentile.
_ALL_CONNECTED_SECONDS = 4
_BATCHED_AT_LEAST = 2_500  # events a second: each turn gets at least one answer
PGBENCH_MOST = 10**15  # so large that a random number is new


@dataclass(frozen=True)
class EventKind:
    """One kind of event: its service, route, body and table."""

    title: str
    service: str
    path: str
    body: str
    table: str
    most: int

    @property
    def name(self) -> str:
        """The service's name in commands and settings."""
        return self.service.removesuffix("_service")

    def load(self, items: int = 0) -> wrk.Load:
        """Return the load of single events, or of batches."""
        path = f"{self.path}/batch" if items else self.path
        return wrk.Load(path, self.body, items=items, most=self.most)


# One event in ten is a warning; a hundred systems report.
SYSTEM = EventKind(
    "monitoring events, each judged",
    "monitoring_service",
    "/api/v1/monitoring/events",
    json.dumps(
        {
            "event_id": "e{n}",
            "source": "source-{k}",
            "component": "search",
            "event_type": "request",
            "message": "A search was answered.",
            "data": {"response_time": "{k}", "cpu_usage": "{k}.5", "error_rate": 0.01},
        }
    )
    .replace('"{k}"', "{k}1")
    .replace('"{k}.5"', "{k}.5"),
    "monitoring.monitoring_logs",
    100,
)
# A school's day: each of the students has few events of a course, and each answer is compared.
LEARNING = EventKind(
    "learning events, rolled up by day",
    "dropout_service",
    "/api/v1/events",
    json.dumps(
        {
            "id": "e{n}",
            "student_id": "s{k}",
            "event_type": "QUESTION_SUBMIT",
            "question_id": "q{k}",
            "course": "math-7b",
            "data": {"correct": True, "answer": "7/12"},
        }
    ),
    "dropout.learning_events",
    20_000,
)
TWO_WORKERS = {"WORKERS": "2"}
EMPTY = wrk.Load("/livez", method="GET")


def print_line(line: Line) -> Line:
    """Print a line at once, and return it."""
    print(line, flush=True)
    return line


def loaded(
    label: str,
    load: wrk.Load,
    service: Running,
    server: Server,
    *,
    clients: int,
    seconds: float,
    limits: Sequence[Line] = (),
) -> Line:
    """Return the line of a load on a service, in accepted events."""
    before = service.cpu_seconds
    found = wrk.measure(load, service.url, server.key, clients=clients, seconds=seconds)
    events = (found.requests - found.refused) * max(1, load.items)
    cpu = 1e6 * (service.cpu_seconds - before) / max(1, events)
    refused = found.refused / max(1, found.requests)
    rate = events / found.seconds
    return Line(label, rate, found.p50, found.p99, cpu, refused, tuple(limits))


def singles(kind: EventKind, server: Server, seconds: float, kept: Line) -> Iterator[Line]:
    """Yield the lines of single events."""
    insert = recorded_insert(kind.service, server)
    with (
        running(kind.service, [kind.service], server, {}) as grouped,
        running(kind.service, [kind.service], server, TWO_WORKERS) as two,
        running(kind.service, ["benchmarks.support.own_units", kind.name], server, {}) as own,
    ):
        for service in (grouped, two, own):
            warm_up(kind, service, server)

        lasting = max(seconds / TURNS, _ALL_CONNECTED_SECONDS)

        def events(label: str, service: Running, clients: int) -> Measure:
            return lambda: loaded(
                f"{label}, {clients} clients",
                kind.load(),
                service,
                server,
                clients=clients,
                seconds=lasting,
            )

        def fresh() -> Line:
            return by_pgbench("pgbench -C", insert, server, seconds / TURNS, reconnect=True)

        def empty() -> Line:
            label = "empty route, 64 clients"
            return loaded(label, EMPTY, grouped, server, clients=MANY, seconds=lasting)

        def alone() -> Line:
            label, lasting = "pgbench, 1 client", seconds / TURNS
            return by_pgbench(label, insert, server, lasting, clients=1, reconnect=False)

        own_alone = events("own unit of work", own, 1)
        yield from in_turns(alone, own_alone, events("group commit", grouped, 1))
        # First the measurement that leaves most work behind for the next one.
        limits = (events("own unit of work", own, MANY), fresh, empty)
        *found, ours = in_turns(*limits, events("group commit", grouped, MANY))
        yield from found
        yield replace(ours, limits=[*ours.limits, kept])
        yield list(in_turns(fresh, events("two workers", two, MANY)))[-1]
        for clients in SINGLE_CLIENTS:
            yield events("group commit", grouped, clients)()


def by_pgbench(
    label: str, insert: str, server: Server, seconds: float, *, clients: int = MANY, reconnect: bool
) -> Line:
    """Return the line of pgbench on the same INSERT."""
    figures = pgbench.measure(
        insert, server.url, clients=clients, seconds=seconds, most=PGBENCH_MOST, reconnect=reconnect
    )
    return Line(label, figures["per_second"], figures.get("p50"), figures.get("p99"))


def batches(kind: EventKind, server: Server, seconds: float) -> Iterator[Line]:
    """Yield the lines of batches, each in turns with bare COPY in batches of that size."""
    with (
        running(kind.service, [kind.service], server, {}) as one,
        running(kind.service, [kind.service], server, TWO_WORKERS) as two,
    ):
        for service in (one, two):
            warm_up(kind, service, server)
        for size in BATCHES:
            # Each client must send a few batches.
            lasting = max(seconds / TURNS, size / _BATCHED_AT_LEAST)

            def copy(size: int = size, lasting: float = lasting) -> Line:
                rate = copied(kind.service, server, size, BATCH_CLIENTS, lasting)
                return Line(f"COPY of {size:,}", rate)

            def ours(
                label: str, service: Running, size: int = size, lasting: float = lasting
            ) -> Line:
                label = f"batches of {size:,}, {label}"
                load = kind.load(size)
                return loaded(label, load, service, server, clients=BATCH_CLIENTS, seconds=lasting)

            yield from in_turns(copy, partial(ours, "2 clients", one))
            yield list(in_turns(copy, partial(ours, "2 clients, 2 workers", two)))[-1]


def warm_up(kind: EventKind, service: Running, server: Server) -> None:
    """Let the service compile its statements."""
    wrk.measure(kind.load(), service.url, server.key, clients=8, seconds=1)


def into_the_spool(kind: EventKind, server: Server, seconds: float) -> Iterator[Line]:
    """Yield the lines of ingest during an outage of PostgreSQL, each beside the usual rate."""
    loads = (
        (f"{MANY} clients", kind.load(), MANY),
        ("batches of 1,000, 2 clients", kind.load(1_000), BATCH_CLIENTS),
    )
    with running(kind.service, [kind.service], server, {}) as service:
        warm_up(kind, service, server)

        def taken(label: str, load: wrk.Load, clients: int, *limits: Line) -> Line:
            return loaded(
                label, load, service, server, clients=clients, seconds=seconds, limits=limits
            )

        usual = [taken(f"stored: {label}", load, clients) for label, load, clients in loads]
        with server.away():
            for (label, load, clients), stored in zip(loads, usual, strict=True):
                yield taken(f"into the spool: {label}", load, clients, stored)


def overloaded(kind: EventKind, server: Server, seconds: float) -> None:
    """Print the lines of ten times as many clients as fit into the queue."""
    settings = {"INGEST_QUEUE_REQUESTS": str(MANY)}
    with running(kind.service, [kind.service], server, settings) as service:
        warm_up(kind, service, server)
        usual = loaded(
            f"queue of {MANY}, {MANY} clients",
            kind.load(),
            service,
            server,
            clients=MANY,
            seconds=seconds,
        )
        print_line(usual)
        before = service.peak_mebibytes
        for part in (1, 2):
            label = f"queue of {MANY}, {10 * MANY} clients, {part}"
            print_line(
                loaded(
                    label, kind.load(), service, server, clients=10 * MANY, seconds=seconds,
                    limits=[usual],
                )
            )  # fmt: skip
            print(f"{'':<42}peak memory {before:.0f} MiB, now {service.peak_mebibytes:.0f} MiB")


def report(kind: EventKind, server: Server, seconds: float) -> None:
    """Measure one kind of event and print its table."""
    if kind is LEARNING:
        require_students(server)
    print_head(f"{kind.title}: POST {kind.path}", "events/s")
    insert = recorded_insert(kind.service, server)
    kept = print_line(by_pgbench("pgbench", insert, server, seconds, reconnect=False))
    for line in singles(kind, server, seconds, kept):
        print_line(line)
    for line in chain(batches(kind, server, seconds), into_the_spool(kind, server, seconds)):
        print_line(line)
    overloaded(kind, server, seconds)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--seconds", type=float, default=5, help="for each line")
    parser.add_argument("--kind", choices=("monitoring", "dropout"), help="only of this service")


def main(options: Namespace) -> bool:
    """Measure both kinds of events."""
    kinds = [kind for kind in (SYSTEM, LEARNING) if options.kind in (None, kind.name)]
    with migrated_server() as server:
        print(machine(server))
        print("CPU us: of the service's process, an event")
        for kind in kinds:
            report(kind, server, options.seconds)
    return True


if __name__ == "__main__":
    run("ingest")
