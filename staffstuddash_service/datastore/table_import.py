"""Imports of tables: rows are stored, change their stored row, repeat it, or are refused."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import DatabaseUnavailable, ServiceError
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository
from shared_db.results import InsertResult, OnConflict, Outcome, refused
from shared_db.row_limits import row_limit
from shared_db.spool.spoolable import SpoolableType
from staffstuddash_service.datastore import assessments, students
from staffstuddash_service.datastore.assessments import ASSESSMENT, student_of
from staffstuddash_service.datastore.corrections import CORRECTABLE, correct_many
from staffstuddash_service.datastore.roster.changes import apply_records
from staffstuddash_service.datastore.roster.relations import identified
from staffstuddash_service.datastore.roster.tables import TABLES, RosterTable
from staffstuddash_service.datastore.student_locks import present_ids, refusals_of_missing
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.domain.roster import MANUAL, RosterKind
from staffstuddash_service.errors import RepeatedInBatch

_REASON = "import"
_PENDING = "Some of these students wait to be stored. Try again in a few seconds."


class TableKind(StrEnum):
    """Kind of rows of a table."""

    STUDENTS = "students"
    PEOPLE = "people"
    CLASSES = "classes"
    ENROLMENTS = "enrolments"
    ASSESSMENTS = "assessments"


@dataclass(frozen=True)
class TableImport:
    """Import of one table.

    fields: those that the table has; an update leaves the others as they are. actor: for the
    action log. is_dry: True if nothing is to be stored.
    """

    kind: TableKind
    fields: Collection[str]
    actor: str
    on_conflict: OnConflict = OnConflict.REFUSE
    is_dry: bool = False

    @property
    def is_update(self) -> bool:
        """True if stored rows are changed."""
        return self.on_conflict is OnConflict.UPDATE


class TableRepository(Repository):
    """Tables of students, people, classes, enrolments and assessments.

    Items are `StudentToStore`, `AssessmentToStore`, and records of the roster; those of enrolments
    have no id, because their student and class identify them.
    """

    def store(self, table: TableImport, items: Sequence[Any]) -> list[InsertResult]:
        """Store rows in one transaction; return the result of each, in order.

        New students and assessments are spooled while the database is away; changes are not.

        Raises:
            DatabaseUnavailable: the database is away, or rows of these students wait in the spool.
            ServiceError: as `Repository.write`.

        """
        if table.kind is TableKind.ASSESSMENTS and row_limit() is not None:
            return self.write_each(items, student_of, ASSESSMENT.id_of, partial(_store, table))
        type_ = _SPOOLABLE.get(table.kind)
        if type_ is not None and not table.is_update and not table.is_dry:
            return self.insert_many(type_, items, _INSERTS[table.kind])
        if type_ is not None and self.spool.must_wait(type_, items):
            raise DatabaseUnavailable(_PENDING)
        results: list[InsertResult] = []
        self.store_all(table, [items], results.extend)
        return results

    def store_all(
        self,
        table: TableImport,
        batches: Iterable[Sequence[Any]],
        on_results: Callable[[Sequence[InsertResult]], object],
        is_complete: Callable[[], bool] = lambda: True,
    ) -> None:
        """Store the rows of many batches in one transaction.

        on_results: called with the results of each batch. is_complete: called at the end; nothing
        is stored if it returns False.
        """
        self.write(lambda session: _store_batches(session, table, batches, on_results, is_complete))


def _store(table: TableImport, session: Session, items: Sequence[Any]) -> list[InsertResult]:
    results: list[InsertResult] = []
    _store_batches(session, table, [items], results.extend, lambda: True)
    return results


def _store_batches(
    session: Session,
    table: TableImport,
    batches: Iterable[Sequence[Any]],
    on_results: Callable[[Sequence[InsertResult]], object],
    is_complete: Callable[[], bool],
) -> None:
    with session.begin_nested() as savepoint:
        for items in batches:
            on_results(_WRITERS[table.kind](session, table, items) if items else [])
            session.flush()
            session.expunge_all()
        if table.is_dry or not is_complete():
            savepoint.rollback()


def _store_students(
    session: Session, table: TableImport, items: Sequence[Any]
) -> list[InsertResult]:
    results = students.insert_many(session, items)
    if not table.is_update:
        return results
    names = [name for name in ("name", "email") if name in table.fields]
    changes = _conflicts(items, results, names)
    changed = students.update_many(session, changes, table.actor)
    missing = changes.keys() - changed.keys()
    outcomes: dict[str, bool | ServiceError] = {**changed}
    outcomes |= refusals_of_missing(session, missing) if missing else {}
    return _updated(items, results, outcomes)


def _store_assessments(
    session: Session, table: TableImport, items: Sequence[Any]
) -> list[InsertResult]:
    results = assessments.insert_many(session, items)
    if not table.is_update:
        return results
    names = [name for name in CORRECTABLE if name in table.fields]
    changes = _conflicts(items, results, names)
    for change in changes.values():
        if change.get("timestamp", utc_now) is None:
            del change["timestamp"]
    # A mark of another student stays a conflict: it cannot be moved.
    own = {item.id: item.student_id for item in reversed(items) if item.id in changes}
    theirs = _students_of_marks(session, list(own))
    present = present_ids(session, set(own.values())) if own else {}
    changes = {
        id_: change
        for id_, change in changes.items()
        if theirs.get(id_) == present.get(own[id_], own[id_])
    }
    return _updated(items, results, correct_many(session, changes, table.actor, _REASON))


def _store_people(session: Session, table: TableImport, items: Sequence[Any]) -> list[InsertResult]:
    return _store_records(session, table, items, TABLES[RosterKind.PERSON])


def _store_classes(
    session: Session, table: TableImport, items: Sequence[Any]
) -> list[InsertResult]:
    return _store_records(session, table, items, TABLES[RosterKind.CLASS])


def _store_records(
    session: Session, table: TableImport, items: Sequence[Any], target: RosterTable
) -> list[InsertResult]:
    records = _completed(session, target, items, table.fields) if table.is_update else items
    return _applied(session, table, records, target)


def _store_enrolments(
    session: Session, table: TableImport, items: Sequence[Any]
) -> list[InsertResult]:
    target = TABLES[RosterKind.ENROLMENT]
    keeps_end = table.is_update and "valid_to" not in table.fields
    records = identified(session, target, items, utc_now(), keeps_end=keeps_end)
    return _applied(session, table, records, target)


def _applied(
    session: Session, table: TableImport, records: Sequence[Any], target: RosterTable
) -> list[InsertResult]:
    results = apply_records(session, target, records, MANUAL, utc_now(), may_change=table.is_update)
    return [InsertResult(one.id, Outcome(one.outcome.value), one.refusal) for one in results]


def _completed(
    session: Session, target: RosterTable, records: Sequence[Any], known: Collection[str]
) -> Sequence[Any]:
    """Return the records with the stored values of the fields that the table does not have."""
    absent = [one.name for one in fields(target.record) if one.name not in known]
    if not absent:
        return records
    is_asked = in_list(target.key, "ids", session.get_bind().dialect.name)
    columns = [getattr(target.model, name) for name in ("id", *absent)]
    query = select(*columns).where(is_asked).order_by(target.key).with_for_update()
    ids = sorted({record.id for record in records})
    stored = {row[0]: row[1:] for row in session.execute(query, {"ids": ids})}
    return [
        replace(record, **_as_fields(absent, stored[record.id])) if record.id in stored else record
        for record in records
    ]


def _as_fields(names: Sequence[str], values: Sequence[Any]) -> Row:
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in zip(names, values, strict=True)
    }


def _students_of_marks(session: Session, ids: Sequence[str]) -> dict[str, str]:
    mark = ASSESSMENT.model
    is_asked = in_list(mark.id, "ids", session.get_bind().dialect.name)
    rows = session.execute(select(mark.id, mark.student_id).where(is_asked), {"ids": ids})
    return {row[0]: row[1] for row in rows}


def _conflicts(
    items: Sequence[Any], results: Sequence[InsertResult], names: Sequence[str]
) -> dict[str, Row]:
    """Return the fields of the first item of each id that is stored with other content."""
    found: dict[str, Row] = {}
    seen = set[str]()
    for item, result in zip(items, results, strict=True):
        # The result of a student's former id has the present one.
        key = item.id or result.id
        if result.outcome is Outcome.CONFLICT and key not in seen:
            found[key] = {name: getattr(item, name) for name in names}
        seen.add(key)
    return found


def _updated(
    items: Sequence[Any],
    results: Sequence[InsertResult],
    outcomes: Mapping[str, bool | ServiceError],
) -> list[InsertResult]:
    """Return the results after the update of conflicts; an id has one content in a table."""
    first: dict[str, Any] = {}
    updated: list[InsertResult] = []
    for item, result in zip(items, results, strict=True):
        key = item.id or result.id
        is_first = key not in first
        known = first.setdefault(key, item)
        outcome = outcomes.get(key)
        if not is_first and item != known:
            updated.append(refused(result.id, RepeatedInBatch(result.id)))
        elif result.outcome is not Outcome.CONFLICT or outcome is None:
            updated.append(result)
        elif isinstance(outcome, ServiceError):
            updated.append(refused(result.id, outcome))
        else:
            is_change = outcome and is_first
            updated.append(
                InsertResult(result.id, Outcome.CHANGED if is_change else Outcome.REPEATED)
            )
    return updated


_SPOOLABLE: dict[TableKind, SpoolableType[Any, Any]] = {
    TableKind.STUDENTS: STUDENT,
    TableKind.ASSESSMENTS: ASSESSMENT,
}
_INSERTS: Mapping[TableKind, Callable[[Session, Sequence[Any]], list[InsertResult]]] = {
    TableKind.STUDENTS: students.insert_many,
    TableKind.ASSESSMENTS: assessments.insert_many,
}
_WRITERS = {
    TableKind.STUDENTS: _store_students,
    TableKind.PEOPLE: _store_people,
    TableKind.CLASSES: _store_classes,
    TableKind.ENROLMENTS: _store_enrolments,
    TableKind.ASSESSMENTS: _store_assessments,
}
