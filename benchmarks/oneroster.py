"""Import of a school's OneRoster files: first run, unchanged second run, and peak memory.

By default 50,000 students in 14,000 classes, with seven enrolments each.
"""

import resource
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.progress import Progress

from benchmarks.support.command import run
from benchmarks.support.oneroster_school import write_school
from benchmarks.support.timing import machine, timed
from shared_db.connection.database import Database
from tests.support.service_processes import migrated_server
from veritas_cli.oneroster.importer import Outcome, import_export
from veritas_cli.oneroster.reading.account import Effect

LIMIT_SECONDS = 60.0
LIMIT_MEBIBYTES = 600
# The limits are those of the default.
FULL_SIZE = 50_000
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}


def peak_memory() -> float:
    """Return the largest memory of this process until now, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--students", type=int, default=FULL_SIZE)


def main(options: Namespace) -> bool:
    """Print times and memory; return True if they are within the limits."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name, migrated_server(SETTINGS) as server:
        rows = write_school(Path(name), options.students)
        before = peak_memory()
        database = Database.for_bind(server.engine(), statement_timeout_seconds=600)

        def once() -> None:
            outcomes.append(import_export(database, Path(name), Progress(disable=True)))

        first, second = timed(once), timed(once)
        print(machine(server))
    files = [file for outcome in outcomes[1:] for file in outcome.account.files.values()]
    unchanged = all(
        file.total(effect) == 0
        for file in files
        for effect in (Effect.NEW, Effect.CHANGED, Effect.ENDED)
    )
    memory = peak_memory()
    print(f"{options.students:,} students, {rows:,} rows")
    print(f"first import          {first:8.1f} s, {rows / first:10,.0f} rows/s")
    print(f"the same again        {second:8.1f} s, {rows / second:10,.0f} rows/s")
    print(f"peak memory           {memory:8.0f} MiB, {before:.0f} before the import")
    print(f"at most {LIMIT_SECONDS:.0f} s and {LIMIT_MEBIBYTES} MiB for {FULL_SIZE:,} students")
    seconds = LIMIT_SECONDS * max(1.0, options.students / FULL_SIZE)
    is_right = unchanged and all(outcome.is_stored for outcome in outcomes)
    if not is_right:
        print("an import was refused, or the second one changed something")
    return is_right and first <= seconds and memory <= LIMIT_MEBIBYTES


if __name__ == "__main__":
    run("oneroster")
