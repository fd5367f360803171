"""Imports of OneRoster exports by the command, and the rows of the roster."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from typer.testing import Result

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on

Import = Callable[..., Result]
Counts = dict[str, tuple[int, ...]]
# A row is the same if it is unchanged apart from these times.
_ROWS = "SELECT to_jsonb(t) - 'created_at' - 'updated_at' - 'computed_at' FROM {table} t"
_TABLES = (
    "organisations",
    "terms",
    "courses",
    "classes",
    "people",
    "enrolments",
    "teaching_assignments",
    "guardians",
    "student_identifiers",
    "student_demographics",
    "students",
    "assessment_logs",
)


def account(result: Result) -> Counts:
    """Return read, new, changed, same, ended, left out and refused, by file."""
    rows = (line.split() for line in result.output.splitlines())
    return {
        row[0].removesuffix(".csv"): tuple(map(int, row[1:8]))
        for row in rows
        if row and row[0].endswith(".csv") and len(row) == 8
    }


def contents(url: str) -> dict[str, list[Any]]:
    """Return all rows of the roster by table, without the times of their change."""
    with engine_on(url).connect() as connection:
        return {
            table: sorted(
                connection.scalars(text(_ROWS.format(table=f"staffstuddash.{table}"))), key=str
            )
            for table in _TABLES
        }


def effects(result: Result) -> set[tuple[int, ...]]:
    """Return the counts of new, changed and ended rows of all files."""
    return {(row[1], row[2], row[4]) for row in account(result).values()}


def manager(url: str) -> DatastoreManager:
    """Return the manager of a database."""
    return DatastoreManager(Database.for_bind(engine_on(url)))
