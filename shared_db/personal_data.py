"""Register of personal data: of each column the persons, the purpose and the retention.

A table declares them for the columns that it names, and a column itself where it differs. A column
of neither kind is not declared, so that nobody adds one without a decision.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Column, Table
from sqlalchemy.orm import DeclarativeBase

_KEY = "personal_data"

UNTIL_ERASED = "until the student is erased"
UNTIL_REMOVED = "until it is removed by hand; no route deletes it"

C = TypeVar("C")


class Subject(StrEnum):
    """Person whom a value is about."""

    STUDENT = "student"
    STAFF = "staff"
    GUARDIAN = "guardian"


STUDENT, STAFF, GUARDIAN = Subject.STUDENT, Subject.STAFF, Subject.GUARDIAN


@dataclass(frozen=True)
class Ageing:
    """Age of a table's rows, and the kind of data whose retention limits it.

    kind: `marks` is limited by RETENTION_MARKS_DAYS. column: an instant, a date, or a day since
    1970-01-01, from which the age counts. since: the same in words, where no column has it.
    """

    kind: str
    column: str | None = None
    since: str | None = None

    @property
    def setting(self) -> str:
        """Name of the setting with the days after which rows are deleted."""
        return f"RETENTION_{self.kind.upper()}_DAYS"


@dataclass(frozen=True)
class Declaration:
    """Persons whom the values of a column are about, their purpose, and how long they are kept.

    subjects: none for data that are not personal. ageing: None if no row is deleted by its age, or
    only with the row that it refers to.
    """

    subjects: Sequence[Subject]
    purpose: str
    keep: str
    ageing: Ageing | None = None


def register(
    *subjects: Subject, columns: str, purpose: str, keep: str, ageing: Ageing | None = None
) -> Callable[[type[C]], type[C]]:
    """Return a decorator that declares columns of a mapped class.

    columns: their names, separated by spaces; the others have an `info` by `personal`.
    """
    declaration = Declaration(subjects, purpose, keep, ageing)

    def declare(model: type[C]) -> type[C]:
        table = getattr(model, "__table__")  # noqa: B009 - of any mapped class
        register_table(table, declaration, columns)
        return model

    return declare


def register_table(table: Table, declaration: Declaration, columns: str) -> Table:
    """Declare columns of a table; return the table.

    columns: as in `register`.

    Raises:
        ValueError: a column is named that the table does not have, or that has an `info`.

    """
    for name in columns.split():
        column = table.columns.get(name)
        if column is None or _KEY in column.info:
            raise ValueError(f"{table.fullname} names {name}, which is absent or declares itself")
        column.info[_KEY] = ((), None, None)
    table.info[_KEY] = declaration
    return table


def personal(
    *subjects: Subject, purpose: str | None = None, keep: str | None = None
) -> dict[str, Any]:
    """Return the `info` of a column that differs from its table; the rest is the table's."""
    return {_KEY: (subjects, purpose, keep)}


def table_declaration(table: Table) -> Declaration | None:
    """Return the declaration of a table; None if it has none."""
    declaration: Declaration | None = table.info.get(_KEY)
    return declaration


def declaration_of(column: Column[Any]) -> Declaration | None:
    """Return the declaration of a column; None if it has none."""
    of_table = table_declaration(column.table)
    if of_table is None or _KEY not in column.info:
        return None
    subjects, purpose, keep = column.info[_KEY]
    return Declaration(
        subjects or of_table.subjects,
        purpose or of_table.purpose,
        keep or of_table.keep,
    )


def table_titles(base: type[DeclarativeBase]) -> Mapping[Table, str]:
    """Return the first sentences of each mapped class's documentation, by its table."""
    return {
        mapper.local_table: _summary(mapper.class_)
        for mapper in base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }


def _summary(model: type) -> str:
    return (inspect.getdoc(model) or "").partition("\n\n")[0].replace("\n", " ")
