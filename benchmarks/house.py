"""Write, read and page of students, for each way of connecting, beside pgbench and a naive app.

The limit for NullPool, also through a pooler, is pgbench with a connection per transaction; for
QueuePool it is pgbench on kept connections. The app of `benchmarks.support.naive` is measured in
turns with the service; it needs wrk.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import event, text

from benchmarks.support import load, pgbench, wrk
from benchmarks.support.command import run
from benchmarks.support.table import TURNS, Line, in_turns, print_head
from benchmarks.support.timing import machine
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from tests.support import pgbouncer
from tests.support.service_processes import Running, Server, migrated_server, running, service

PACKAGE = "staffstuddash_service"
STUDENTS = "/api/v1/students"
STORED = 10_000
NEW = 10**15  # so large that a random number is new
SAME_ID = "the-same-id"


@dataclass(frozen=True)
class Case:
    """One route, and a call of the manager, of which pgbench repeats the statements.

    The call uses the id `SAME_ID`; pgbench replaces it by the ids of the requests.
    """

    title: str
    request: load.Request
    call: Callable[[DatastoreManager], object]


WRITE = Case(
    f"write one student: POST {STUDENTS}",
    load.Request("POST", STUDENTS, '{"id": "s{n}", "name": "Ada", "email": "a@b.org"}', NEW),
    lambda datastore: datastore.add_student(SAME_ID, "Ada", "a@b.org"),
)
READ = Case(
    f"read one of {STORED:,} students: GET {STUDENTS}/{{id}}",
    load.Request("GET", f"{STUDENTS}/s{{n}}", most=STORED),
    lambda datastore: datastore.get_student(SAME_ID),
)
PAGE = Case(
    f"a page of 100 of {STORED:,} students: GET {STUDENTS}?limit=100",
    load.Request("GET", f"{STUDENTS}?limit=100"),
    lambda datastore: datastore.students.search(limit=100),
)
BESIDE_NAIVE = {
    "read": wrk.Load(f"{STUDENTS}/s{{k}}", method="GET", most=STORED),
    "page": wrk.Load(f"{STUDENTS}?limit=100", method="GET"),
    "write": wrk.Load(STUDENTS, '{"id": "w{n}", "name": "Ada", "email": "a@b.org"}'),
}
NAIVE_CLIENTS = 16
FILL_NAIVE = """
INSERT INTO naive_students (id, name, email, created_at, updated_at)
SELECT id, name, email, created_at, updated_at FROM staffstuddash.students ON CONFLICT DO NOTHING
"""


def fill(server: Server) -> None:
    """Store the students of the reads."""
    students = [StudentToStore(f"Pupil {n}", f"p{n}@b.org", f"s{n}") for n in range(1, STORED + 1)]
    DatastoreManager(Database.for_bind(server.engine())).students.add_many(students)


def transaction(server: Server, case: Case) -> str:
    """Return the statements that the case executes as one transaction, with `s:n` for the id."""
    engine = server.engine()
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _record(_connection, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def] # SQLAlchemy's
        seen.append(cursor.mogrify(statement, parameters).decode())

    case.call(DatastoreManager(Database.for_bind(engine)))
    statements = [sql.replace(SAME_ID, "s:n") for sql in seen if "set_config" not in sql]
    return statements[0] if len(statements) == 1 else ";".join(["BEGIN", *statements, "COMMIT"])


@contextmanager
def ways(server: Server, clients: int) -> Iterator[dict[str, dict[str, str]]]:
    """Give the settings for each way of connecting; with PgBouncer only if it is installed."""
    found = {
        "NullPool": {},
        "QueuePool": {"DATABASE_POOL": "queue"},
    }
    if not pgbouncer.is_installed():
        yield found
        return
    # With passwords it would mostly measure their hashing.
    with pgbouncer.pooler(server.url, connections=clients, auth="trust") as pooler:
        yield found | {
            "NullPool, PgBouncer by TCP": {"DATABASE_URL": pooler.over_tcp(server.url)},
            "NullPool, PgBouncer by socket": {"DATABASE_URL": pooler.over_socket(server.url)},
        }


def measured(
    case: Case,
    statements: str,
    server: Server,
    settings: Mapping[str, Mapping[str, str]],
    *,
    clients: int,
    seconds: float,
) -> list[Line]:
    """Return the lines of one case: the limits, then the service by each way of connecting."""

    def limit(label: str, *, reconnect: bool) -> Line:
        figures = pgbench.measure(
            statements,
            server.url,
            clients=clients,
            seconds=seconds,
            most=case.request.most,
            reconnect=reconnect,
        )
        return _line(label, figures)

    kept, fresh = limit("pgbench", reconnect=False), limit("pgbench -C", reconnect=True)
    lines = [kept, fresh]
    for label, chosen in settings.items():
        with service(PACKAGE, server, chosen) as url:
            figures = load.measure(case.request, url, server.key, clients=clients, seconds=seconds)
        lines.append(_line(label, figures, kept if label == "QueuePool" else fresh))
    return lines


def beside_naive(server: Server, seconds: float) -> Iterator[Line]:
    """Yield the lines of the naive app and the service, in turns, for each pool.

    The naive app keeps no record of reads, so the service is measured without it as well.
    """
    for pool, label in {"queue": "QueuePool", "null": "NullPool"}.items():
        chosen = {"DATABASE_POOL": pool}
        with (
            running("naive", ["benchmarks.support.naive"], server, {"NAIVE_POOL": pool}) as naive,
            running(PACKAGE, [PACKAGE], server, chosen) as ours,
            running(PACKAGE, ["benchmarks.support.unaudited"], server, chosen) as unaudited,
        ):
            with server.engine().begin() as connection:
                connection.execute(text(FILL_NAIVE))
            for name, request in BESIDE_NAIVE.items():
                apps = {"service": ours}
                if request.method == "GET":
                    apps["without record of reads"] = unaudited
                for app, process in apps.items():
                    of = partial(by_wrk, request=request, server=server, seconds=seconds)
                    yield from in_turns(
                        partial(of, f"naive, {label}, {name}", app=naive),
                        partial(of, f"{app}, {label}, {name}", app=process),
                    )


def by_wrk(label: str, *, request: wrk.Load, app: Running, server: Server, seconds: float) -> Line:
    """Return the line of a load on the app, of which every request must be answered.

    Raises:
        RuntimeError: a request was refused.

    """
    lasting = max(1, seconds / TURNS)
    before = app.cpu_seconds
    found = wrk.measure(request, app.url, server.key, clients=NAIVE_CLIENTS, seconds=lasting)
    if found.refused:
        raise RuntimeError(f"{label}: {found.refused} requests were refused")
    cpu = 1e6 * (app.cpu_seconds - before) / found.requests
    return Line(label, found.requests / found.seconds, found.p50, found.p99, cpu)


def _line(label: str, figures: Mapping[str, float], *limits: Line) -> Line:
    rate, p50, p99 = (figures.get(name) for name in ("per_second", "p50", "p99"))
    return Line(label, rate or 0, p50, p99, limits=limits)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--seconds", type=float, default=5, help="for each line")
    parser.add_argument("--clients", type=int, default=8, help="at the same time")
    parser.add_argument("--naive", action="store_true", help="only beside the naive app")


def main(options: Namespace) -> bool:
    """Measure every case and print the tables."""
    with migrated_server() as server:
        fill(server)
        print(machine(server))
        if not options.naive:
            beside_pgbench(server, clients=options.clients, seconds=options.seconds)
        print_head(f"beside a naive app, {NAIVE_CLIENTS} clients", "requests/s")
        for line in beside_naive(server, options.seconds):
            print(line, flush=True)
    return True


def beside_pgbench(server: Server, *, clients: int, seconds: float) -> None:
    """Measure every case by each way of connecting, and print the tables."""
    with ways(server, clients) as settings:
        written = transaction(server, WRITE)  # stores the student of the reads
        statements = {READ: transaction(server, READ), PAGE: transaction(server, PAGE)}
        # The write comes last, so that the reads find the table as it was filled.
        for case, repeated in (statements | {WRITE: written}).items():
            print_head(case.title, "requests/s")
            for line in measured(
                case, repeated, server, settings, clients=clients, seconds=seconds
            ):
                print(line)


if __name__ == "__main__":
    run("house")
