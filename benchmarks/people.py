"""Reads of a teacher and an advisor beside those of a caller who sees all students.

Each read is a call of the manager on one kept connection, in turns. Beside the time of the call is
that of its statements, without the opening one. The aims are medians of the statements in
milliseconds, at 50,000 students with a million marks and events and 500,000 enrolments.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from sqlalchemy import Engine, event

from benchmarks.support.command import run
from benchmarks.support.members import ADVISOR, TEACHER, fill
from benchmarks.support.timing import machine, timed
from shared_db.connection.database import Database
from shared_db.connection.reuse import reuse_connection
from shared_db.connection.roles import person_role_name, role_name
from shared_db.row_limits import RowLimit, rows_limited_to
from staffstuddash_service.datastore import PERSON_SCHEMAS, DatastoreManager
from staffstuddash_service.domain.sort_orders import Order
from tests.support.service_processes import migrated_server
from veritas_cli.migrations import ROLE_PREFIX

CALLERS = {"all": None, "teacher": RowLimit(TEACHER), "advisor": RowLimit(ADVISOR)}
# Of the teacher with 150 students, and of the advisor with 2,000.
AIMS = {
    "dashboard by id": (2.0, 33.0),
    "dashboard by risk": (6.5, 28.0),
    "students": (0.4, 7.6),
    "cohort": (9.0, 88.0),
}
_OVERHEAD = "opening a transaction"


def reads(datastore: DatastoreManager) -> dict[str, Callable[[], object]]:
    """Return the reads that are measured, by name."""
    dashboard, by_risk = datastore.teacher_dashboard, Order("-risk_score")
    return {
        "dashboard by id": lambda: dashboard.search(limit=50),
        "dashboard by risk": lambda: dashboard.search(order=by_risk, limit=50),
        "students": lambda: datastore.students.search(limit=50),
        "cohort": datastore.cohort_dashboard.get,
        _OVERHEAD: lambda: datastore.students.read(lambda _session: None),
    }


class StatementTimes:
    """Time of the statements of an engine, without those that open transactions."""

    def __init__(self, engine: Engine) -> None:
        self.seconds = 0.0
        self._begun = 0.0
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)

    def _begin(self, *_details: object) -> None:
        self._begun = time.perf_counter()

    def _end(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if "set_config" not in statement:
            self.seconds += time.perf_counter() - self._begun


def measured(
    read: Callable[[], object], statements: StatementTimes, rounds: int
) -> list[tuple[float, float]]:
    """Return the medians of each caller in milliseconds: of calls in turns, and of statements."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CALLERS}
    for _ in range(rounds + 1):
        for name, limit in CALLERS.items():
            statements.seconds = 0
            with rows_limited_to(limit):
                call = timed(read)
            times[name].append((1000 * call, 1000 * statements.seconds))
    # The first call prepares the statement.
    return [
        (median(call for call, _ in found[1:]), median(sql for _, sql in found[1:]))
        for found in times.values()
    ]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=50_000)
    parser.add_argument("--marks", type=int, default=20, help="of each student, and events")
    parser.add_argument("--rounds", type=int, default=20)


def main(options: Namespace) -> bool:
    """Return True if teacher and advisor are within their aims."""
    is_within = True
    with ExitStack() as stack:
        server = stack.enter_context(migrated_server({}))
        fill(server.engine(), options.students, options.marks)
        engine = server.engine()
        database = Database.for_bind(
            engine,
            role=role_name(ROLE_PREFIX, PERSON_SCHEMAS[0]),
            person_role=person_role_name(ROLE_PREFIX, PERSON_SCHEMAS[0]),
            person_schemas=PERSON_SCHEMAS,
        )
        datastore = DatastoreManager(database)
        statements = StatementTimes(engine)
        stack.enter_context(reuse_connection())
        print(machine(server))
        heads = "".join(f"{name:>10}{'(SQL)':>9}" for name in CALLERS)
        print(f"{'median, ms':<24}{heads}      aims")
        for name, read in reads(datastore).items():
            found = measured(read, statements, options.rounds)
            aims = AIMS.get(name)
            line = "".join(f"{call:>10.2f}{sql:>9.2f}" for call, sql in found)
            print(f"{name:<24}{line}      {aims or '-'}")
            if aims is not None:
                pairs = zip(found[1:], aims, strict=True)
                is_within &= all(sql <= aim for (_, sql), aim in pairs)
    return is_within


if __name__ == "__main__":
    run("people")
