"""Events taken in, one by one and in batches, beside what the machine can: `make bench-ingest`.

Everything in one run, so that the ratios mean something: pgbench on the same INSERT, bare COPY into
the same table with its indexes, an empty route of the same app, the same route without group
commit. Load comes from wrk. Nothing here asserts a time.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from benchmarks.support import pgbench, wrk
from benchmarks.support.bare import copied, recorded_insert, require_students
from benchmarks.support.harness import Running, Server, machine, migrated_server, running
from benchmarks.support.turns import TURNS, Line, Measure, in_turns

SINGLE_CLIENTS = (16, 256)
MANY = 64
BATCHES = (100, 1_000, 10_000)
BATCH_CLIENTS = 2
# The server accepts one connection in each round of its loop, so the first request of the last of
# many clients waits for half a second and more: not to be among the slowest hundredth.
_ALL_CONNECTED_SECONDS = 4
_BATCHED_AT_LEAST = 2_500  # events a second, or a turn may end before the first batch is answered
PGBENCH_MOST = 10**15  # so many that a random one is new


@dataclass(frozen=True)
class SpoolableType:
    """One kind of event: who takes it, where, and what it looks like."""

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
SYSTEM = SpoolableType(
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
LEARNING = SpoolableType(
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
    """Print a line as soon as it is measured, and return it."""
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
    """Return the line of a load on a service, in events, without those that were refused."""
    before = service.cpu_seconds
    found = wrk.measure(load, service.url, server.key, clients=clients, seconds=seconds)
    events = (found.requests - found.refused) * max(1, load.items)
    cpu = 1e6 * (service.cpu_seconds - before) / max(1, events)
    refused = found.refused / max(1, found.requests)
    rate = events / found.seconds
    return Line(label, rate, found.p50, found.p99, cpu, refused, tuple(limits))


def singles(kind: SpoolableType, server: Server, seconds: float, kept: Line) -> Iterator[Line]:
    """Yield the lines of single events.

    What is compared is measured in turns, because another's work on the machine may come and go.
    """
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

        yield from in_turns(events("own unit of work", own, 1), events("group commit", grouped, 1))
        # First what leaves most behind that the next one would suffer from.
        limits = (events("own unit of work", own, MANY), fresh, empty)
        *found, ours = in_turns(*limits, events("group commit", grouped, MANY))
        yield from found
        yield replace(ours, limits=[*ours.limits, kept])
        yield list(in_turns(fresh, events("two workers", two, MANY)))[-1]
        for clients in SINGLE_CLIENTS:
            yield events("group commit", grouped, clients)()


def by_pgbench(label: str, insert: str, server: Server, seconds: float, *, reconnect: bool) -> Line:
    """Return the line of pgbench on the same INSERT."""
    figures = pgbench.measure(
        insert, server.url, clients=MANY, seconds=seconds, most=PGBENCH_MOST, reconnect=reconnect
    )
    return Line(label, figures["per_second"], figures.get("p50"), figures.get("p99"))


def batches(kind: SpoolableType, server: Server, seconds: float) -> Iterator[Line]:
    """Yield the lines of batches, each in turns with bare COPY in batches of that size."""
    with (
        running(kind.service, [kind.service], server, {}) as one,
        running(kind.service, [kind.service], server, TWO_WORKERS) as two,
    ):
        for service in (one, two):
            warm_up(kind, service, server)
        for size in BATCHES:
            # Each client must come round a few times.
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


def warm_up(kind: SpoolableType, service: Running, server: Server) -> None:
    """Let the service compile its statements."""
    wrk.measure(kind.load(), service.url, server.key, clients=8, seconds=1)


def into_the_spool(kind: SpoolableType, server: Server, seconds: float) -> Iterator[Line]:
    """Yield the lines of what is taken in while PostgreSQL is away, each beside itself as usual."""
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


def overloaded(kind: SpoolableType, server: Server, seconds: float) -> None:
    """Print what ten times as many clients do as fit into the queue."""
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


def report(kind: SpoolableType, server: Server, seconds: float) -> None:
    """Measure one kind of event and print its table."""
    print(f"\n{kind.title}: POST {kind.path}")
    if kind is LEARNING:
        require_students(server)
    heads = ("events/s", "p50 ms", "p99 ms", "p99/p50", "CPU us")
    print(f"{'':<42}{heads[0]:>10}{''.join(f'{head:>9}' for head in heads[1:])}")
    insert = recorded_insert(kind.service, server)
    kept = print_line(by_pgbench("pgbench", insert, server, seconds, reconnect=False))
    for line in singles(kind, server, seconds, kept):
        print_line(line)
    for line in chain(batches(kind, server, seconds), into_the_spool(kind, server, seconds)):
        print_line(line)
    overloaded(kind, server, seconds)


def main() -> None:
    """Measure both kinds of events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each line")
    parser.add_argument("--kind", choices=("monitoring", "dropout"), help="only this service's")
    asked = parser.parse_args()
    kinds = [kind for kind in (SYSTEM, LEARNING) if asked.kind in (None, kind.name)]
    with migrated_server() as server:
        print(machine(server))
        print("CPU us: of the service's process, an event")
        for kind in kinds:
            report(kind, server, asked.seconds)


if __name__ == "__main__":
    main()
