"""Tables with rows that are deleted by age, as the register of personal data declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, MetaData, Table

from shared_db.personal_data import Ageing, table_declaration

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class AgingTable:
    """Table with an age of its rows, and the tables whose rows are deleted with them.

    students: the table of students, if rows refer to it. parts: tables that refer to a row, with
    the column that does.
    """

    table: Table
    ageing: Ageing
    students: Table | None
    parts: Mapping[Table, ColumnElement[Any]]

    @property
    def name(self) -> str:
        """Name without the schema."""
        return str(self.table.name)

    @property
    def key(self) -> ColumnElement[Any]:
        """First column of the primary key; by rows only tables with one such column are deleted."""
        return next(iter(self.table.primary_key.columns))

    @property
    def age(self) -> ColumnElement[Any] | None:
        """Column from which the age counts; None if no column has it."""
        return self.table.c[self.ageing.column] if self.ageing.column else None

    @property
    def student(self) -> ColumnElement[Any] | None:
        """Column with the id of the row's student, or with the pseudonym of an erased one."""
        return self.table.c.get("student_id")

    def is_older(self, until: date) -> ColumnElement[bool]:
        """Return the condition of rows from before the day; of dates, the day is included.

        A date is the first day on which something is over.
        """
        if self.age is None:
            raise NotImplementedError(f"{self.table.fullname} has no column with the age")
        if isinstance(self.age.type, Date):
            return self.age <= until
        if isinstance(self.age.type, Integer):
            return self.age < (until - _EPOCH).days
        return self.age < datetime(until.year, until.month, until.day, tzinfo=UTC)


def day_of(value: Any) -> date:
    """Return the UTC day of an instant, a date, or a day since 1970-01-01."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date()
    return value if isinstance(value, date) else _EPOCH + timedelta(days=value)


def aging_tables(metadata: MetaData) -> Sequence[AgingTable]:
    """Return the tables of a service that declare an age of their rows, by kind and name."""
    found = []
    for table in metadata.sorted_tables:
        declaration = table_declaration(table)
        if declaration is None or declaration.ageing is None:
            continue
        parts = {
            other: key.parent
            for other in metadata.sorted_tables
            for key in other.foreign_keys
            if key.column.table is table and "student_id" not in other.c
        }
        students = [k.column.table for k in table.foreign_keys if k.column.table.name == "students"]
        owner = students[0] if students else None
        found.append(AgingTable(table, declaration.ageing, owner, parts))
    return sorted(found, key=lambda each: (each.ageing.kind, each.name))
