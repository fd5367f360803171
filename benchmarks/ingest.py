"""Events taken in, one by one and in batches, beside what the machine can: `make bench-ingest`.

Everything in one run, so that the ratios mean something: pgbench on the same INSERT, bare COPY into
the same table with its indexes, an empty route of the same app, the same route without group
commit. Load comes from wrk. Nothing here asserts a time.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks import pgbench, wrk
from benchmarks.bare import copied, recorded_insert
from benchmarks.harness import Running, Server, machine, migrated_server, running

SINGLE_CLIENTS = (1, 16, 64, 256)
MANY = 64
BATCHES = (100, 1_000, 10_000)
BATCH_CLIENTS = 2
PGBENCH_MOST = 10**15  # so many that a random one is new


@dataclass(frozen=True)
class Kind:
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
SYSTEM = Kind(
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
LEARNING = Kind(
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
EMPTY = wrk.Load("/livez", method="GET")


@dataclass(frozen=True)
class Line:
    """One line of the table: events a second, and what they are compared with."""

    label: str
    per_second: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    refused: float = 0
    limits: Sequence["Line"] = field(default=())

    def __str__(self) -> str:
        latencies = "".join(
            f"{'-' if ms is None else f'{ms:.1f}':>9}" for ms in (self.p50, self.p99)
        )
        spread = f"{self.p99 / self.p50:.1f}" if self.p50 and self.p99 else "-"
        cpu = "-" if self.cpu is None else f"{self.cpu:.0f}"
        ratios = [
            f"{self.per_second / limit.per_second:.2f} of {limit.label}" for limit in self.limits
        ]
        notes = [f"{self.refused:.0%} refused"] if self.refused else []
        return (
            f"{self.label:<34}{self.per_second:>10,.0f}{latencies}{spread:>9}{cpu:>9}"
            f"   {', '.join([*ratios, *notes])}"
        ).rstrip()


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
    refused = found.refused / found.requests
    rate = events / found.seconds
    return Line(label, rate, found.p50, found.p99, cpu, refused, tuple(limits))


def bare_lines(kind: Kind, server: Server, seconds: float) -> tuple[Line, Line, dict[int, Line]]:
    """Return pgbench on kept and on fresh connections, and COPY by the size of its batches."""
    insert = recorded_insert(kind.service, server)

    def by_pgbench(label: str, *, reconnect: bool) -> Line:
        figures = pgbench.measure(
            insert,
            server.url,
            clients=MANY,
            seconds=seconds,
            most=PGBENCH_MOST,
            reconnect=reconnect,
        )
        return Line(label, figures["per_second"], figures.get("p50"), figures.get("p99"))

    kept = print_line(by_pgbench("pgbench", reconnect=False))
    fresh = print_line(by_pgbench("pgbench -C", reconnect=True))
    copies = {
        size: print_line(
            Line(f"COPY of {size:,}", copied(kind.service, server, size, BATCH_CLIENTS, seconds))
        )
        for size in BATCHES
    }
    return kept, fresh, copies


def singles(kind: Kind, server: Server, seconds: float, kept: Line, fresh: Line) -> Iterator[Line]:
    """Yield the lines of single events: the service as it is, and without group commit."""
    own: dict[int, Line] = {}
    with running(kind.service, ["benchmarks.own_units", kind.name], server, {}) as service:
        warm_up(kind, service, server)
        for clients in (1, MANY):
            label = f"own unit of work, {clients} clients"
            own[clients] = loaded(
                label, kind.load(), service, server, clients=clients, seconds=seconds
            )
            yield own[clients]
    with running(kind.service, [kind.service], server, {}) as service:
        warm_up(kind, service, server)
        empty = loaded(
            "empty route, 64 clients", EMPTY, service, server, clients=MANY, seconds=seconds
        )
        yield empty
        for clients in SINGLE_CLIENTS:
            limits = [own[1]] if clients == 1 else [fresh, kept, empty]
            yield loaded(
                f"group commit, {clients} clients",
                kind.load(),
                service,
                server,
                clients=clients,
                seconds=seconds,
                limits=limits,
            )


def batches(
    kind: Kind, server: Server, seconds: float, copies: Mapping[int, Line]
) -> Iterator[Line]:
    """Yield the lines of batches."""
    with running(kind.service, [kind.service], server, {}) as service:
        warm_up(kind, service, server)
        for size in BATCHES:
            yield loaded(
                f"batches of {size:,}, {BATCH_CLIENTS} clients",
                kind.load(size),
                service,
                server,
                clients=BATCH_CLIENTS,
                seconds=seconds,
                limits=[copies[size]],
            )


def warm_up(kind: Kind, service: Running, server: Server) -> None:
    """Let the service compile its statements."""
    wrk.measure(kind.load(), service.url, server.key, clients=8, seconds=1)


def overloaded(kind: Kind, server: Server, seconds: float) -> None:
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
            print(f"{'':<34}peak memory {before:.0f} MiB, now {service.peak_mebibytes:.0f} MiB")


def report(kind: Kind, server: Server, seconds: float) -> None:
    """Measure one kind of event and print its table."""
    print(f"\n{kind.title}: POST {kind.path}")
    heads = ("events/s", "p50 ms", "p99 ms", "p99/p50", "CPU us")
    print(f"{'':<34}{heads[0]:>10}{''.join(f'{head:>9}' for head in heads[1:])}")
    kept, fresh, copies = bare_lines(kind, server, seconds)
    for line in singles(kind, server, seconds, kept, fresh):
        print_line(line)
    for line in batches(kind, server, seconds, copies):
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
