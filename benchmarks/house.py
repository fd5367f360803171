"""One write, one read and one page of students, on both pools, beside pgbench: `make bench`.

The ratio is to pgbench with a connection per transaction for NullPool, which does the same, and to
pgbench on kept connections for QueuePool. Nothing here asserts a time.
"""

import argparse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import event, text

from benchmarks import load, pgbench
from benchmarks.harness import Line, Server, machine, migrated_server, print_table, service
from shared_db.database import Database
from shared_db.errors import NotFound
from staffstuddash_service.datastore import DatastoreManager

STUDENTS = "/api/v1/students"
STORED = 10_000
NEW = 10**15  # so many that a random one is new

_STORE = text(
    "INSERT INTO staffstuddash.students (id, name, email, created_at, updated_at, digest)"
    " SELECT 's' || n, 'Student ' || n, n || '@school.example', now(), now(), '\\x00'"
    f" FROM generate_series(1, {STORED}) AS n"
)


@dataclass(frozen=True)
class Case:
    """One route, and the call of the manager whose statement pgbench repeats.

    The call uses the id `SAME_ID`, in whose place pgbench puts what the requests send.
    """

    title: str
    request: load.Request
    call: Callable[[DatastoreManager], object]


SAME_ID = "the-same-id"
# The write comes last, so that the reads find the table as it was filled.
CASES = (
    Case(
        f"read one of {STORED:,} students: GET {STUDENTS}/{{id}}",
        load.Request("GET", f"{STUDENTS}/s{{n}}", most=STORED),
        lambda datastore: datastore.get_student(SAME_ID),
    ),
    Case(
        f"a page of 100 of {STORED:,} students: GET {STUDENTS}?limit=100",
        load.Request("GET", f"{STUDENTS}?limit=100"),
        lambda datastore: datastore.get_students(limit=100),
    ),
    Case(
        f"write one student: POST {STUDENTS}",
        load.Request("POST", STUDENTS, '{"id": "s{n}", "name": "Ada", "email": "a@b.org"}', NEW),
        lambda datastore: datastore.add_student(SAME_ID, "Ada", "a@b.org"),
    ),
)


def recorded(server: Server, call: Callable[[DatastoreManager], object]) -> str:
    """Return the statement that the call executes, with `s:n` for the id."""
    engine = server.engine()
    seen: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _record(_connection, cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def] # SQLAlchemy's
        seen.append(cursor.mogrify(statement, parameters).decode())

    with suppress(NotFound):  # reading what is not there takes the same statement
        call(DatastoreManager(Database.on(engine)))
    [statement] = [sql for sql in seen if not sql.startswith("SELECT set_config")]
    return statement.replace(SAME_ID, "s:n")


def measured(case: Case, server: Server, clients: int, seconds: float) -> list[Line]:
    """Return the lines of one case: the limits, then the service on each pool."""
    statement = recorded(server, case.call)

    def limit(label: str, *, reconnect: bool) -> Line:
        figures = pgbench.measure(
            statement,
            server.url,
            clients=clients,
            seconds=seconds,
            most=case.request.most,
            reconnect=reconnect,
        )
        return Line(label, figures)

    kept, fresh = limit("pgbench", reconnect=False), limit("pgbench -C", reconnect=True)
    lines = [kept, fresh]
    for pool, its_limit in (("queue", kept), ("null", fresh)):
        settings = {"DATABASE_POOL": pool, "DATABASE_POOL_SIZE": str(clients)}
        with service("staffstuddash_service", server, settings) as url:
            figures = load.measure(case.request, url, server.key, clients=clients, seconds=seconds)
        lines.append(Line(f"service, DATABASE_POOL={pool}", figures, its_limit))
    return lines


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each line")
    parser.add_argument("--clients", type=int, default=8, help="that ask at the same time")
    asked = parser.parse_args()
    with migrated_server() as server:
        with server.engine().begin() as connection:
            connection.execute(_STORE)
        print(machine(server))
        for case in CASES:
            print_table(case.title, measured(case, server, asked.clients, asked.seconds))


if __name__ == "__main__":
    main()
