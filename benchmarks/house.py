"""One write, one read and one page of students, by way of connecting, beside pgbench: `make bench`.

The ratio is to pgbench with a connection per transaction for NullPool, which does the same, also
through a pooler, and to pgbench on kept connections for QueuePool. Nothing here asserts a time.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import event

from benchmarks.support import load, pgbench, pgbouncer
from benchmarks.support.harness import Line, Server, machine, migrated_server, print_table, service
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager, StudentToStore

STUDENTS = "/api/v1/students"
STORED = 10_000
NEW = 10**15  # so many that a random one is new
SAME_ID = "the-same-id"


@dataclass(frozen=True)
class Case:
    """One route, and the call of the manager whose statements pgbench repeats.

    The call uses the id `SAME_ID`, in whose place pgbench puts what the requests send.
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


def fill(server: Server) -> None:
    """Store the students whom the reads ask for."""
    students = [StudentToStore(f"Pupil {n}", f"p{n}@b.org", f"s{n}") for n in range(1, STORED + 1)]
    DatastoreManager(Database.on(server.engine())).students.add_many(students)


def transaction(server: Server, case: Case) -> str:
    """Return the statements that the case executes as one transaction, with `s:n` for the id."""
    engine = server.engine()
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _record(_connection, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def] # SQLAlchemy's
        seen.append(cursor.mogrify(statement, parameters).decode())

    case.call(DatastoreManager(Database.on(engine)))
    statements = [sql.replace(SAME_ID, "s:n") for sql in seen if "set_config" not in sql]
    return statements[0] if len(statements) == 1 else ";".join(["BEGIN", *statements, "COMMIT"])


@contextmanager
def ways(server: Server, clients: int) -> Iterator[dict[str, dict[str, str]]]:
    """Give the settings for each way to connect; PgBouncer's only where it is installed."""
    found = {
        "NullPool": {},
        "QueuePool": {"DATABASE_POOL": "queue", "DATABASE_POOL_SIZE": str(clients)},
    }
    if not pgbouncer.is_installed():
        yield found
        return
    # As on a machine of its own: with passwords it would mostly measure how they are hashed.
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
        return Line(label, figures)

    kept, fresh = limit("pgbench", reconnect=False), limit("pgbench -C", reconnect=True)
    lines = [kept, fresh]
    for label, chosen in settings.items():
        with service("staffstuddash_service", server, chosen) as url:
            figures = load.measure(case.request, url, server.key, clients=clients, seconds=seconds)
        lines.append(Line(label, figures, kept if label == "QueuePool" else fresh))
    return lines


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each line")
    parser.add_argument("--clients", type=int, default=8, help="that ask at the same time")
    asked = parser.parse_args()
    with migrated_server() as server, ways(server, asked.clients) as settings:
        fill(server)
        print(machine(server))
        written = transaction(server, WRITE)  # which stores the student whom the others read
        statements = {READ: transaction(server, READ), PAGE: transaction(server, PAGE)}
        # The write comes last, so that the reads find the table as it was filled.
        for case, repeated in (statements | {WRITE: written}).items():
            lines = measured(
                case,
                repeated,
                server,
                settings,
                clients=asked.clients,
                seconds=asked.seconds,
            )
            print_table(case.title, lines)


if __name__ == "__main__":
    main()
