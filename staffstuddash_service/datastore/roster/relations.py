"""Relations named by their two ends: replaced, ended and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset
from staffstuddash_service.datastore.memberships import holds_on
from staffstuddash_service.datastore.roster.changes import (
    RosterOutcome,
    RosterResult,
    apply_records,
)
from staffstuddash_service.datastore.roster.ending import end_rows
from staffstuddash_service.datastore.roster.tables import TABLES, RosterTable
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.domain.roster import (
    MANUAL,
    Advising,
    Enrolment,
    RosterKind,
    Teaching,
)
from staffstuddash_service.errors import RelationNotFound
from staffstuddash_service.models import PersonRow

Relation = Enrolment | Teaching | Advising


def replace_relation(
    session: Session, table: RosterTable, relation: Relation, now: datetime
) -> RosterResult:
    """Change the relation of the same ends that holds or is to begin; without one, begin a new one.

    The id of `relation` is not used. Without `valid_from` the stored one stays; a new relation
    begins today.
    """
    ends = {name: getattr(relation, name) for name in table.ends}
    _lock(session, table, ends)
    row = _open(session, table, ends, now.date())
    first = relation.valid_from or (now.date() if row is None else row.valid_from)
    record = replace(relation, id=new_id() if row is None else row.id, valid_from=first)
    if row is not None and all(getattr(row, name) == v for name, v in vars(record).items()):
        return RosterResult(row.id, RosterOutcome.REPEATED)
    [result] = apply_records(session, table, [record], MANUAL, now)
    return result


def end_relation(
    session: Session, table: RosterTable, ends: Mapping[str, str], now: datetime
) -> tuple[str, bool]:
    """End all relations of these ends; return the id of the last one, and True for a replay.

    Raises:
        StudentNotFound, StudentErased: of the student, if one is an end.
        RelationNotFound: there was none.

    """
    _lock(session, table, ends)
    rows = _of_ends(session, table, ends)
    if not rows:
        raise RelationNotFound(**ends)
    ended = end_rows(session, table, [row.id for row in rows], now)
    return max(rows, key=_beginning).id, not ended


def relations_on(table: RosterTable, field: str, id_: str, day: date | None) -> Any:
    """Return the query of the relations of one end that hold on a day; without a day, of all."""
    query = select(table.model).where(getattr(table.model, field) == id_)
    return query if day is None else query.where(holds_on(table.model, day))


def keyset_of(kind: RosterKind, field: str) -> Keyset:
    """Return the order of the relations of one end: by the other end."""
    table = TABLES[kind]
    [other] = [name for name in table.ends if name != field]
    return Keyset(f"{kind} by {other}", (getattr(table.model, other), table.model.id))


def _lock(session: Session, table: RosterTable, ends: Mapping[str, str]) -> None:
    """Lock an end, so that two requests about the same ends do not both begin a relation."""
    if table.has_student:
        find_student(session, ends["student_id"], lock=True)
    else:
        session.get(PersonRow, ends["person_id"], with_for_update=True)


def _of_ends(session: Session, table: RosterTable, ends: Mapping[str, str]) -> Sequence[Any]:
    is_asked = and_(*(getattr(table.model, name) == id_ for name, id_ in ends.items()))
    return session.scalars(select(table.model).where(is_asked)).all()


def _open(session: Session, table: RosterTable, ends: Mapping[str, str], today: date) -> Any:
    rows = [
        row
        for row in _of_ends(session, table, ends)
        if row.valid_to is None or row.valid_to > today
    ]
    return min(rows, key=_beginning, default=None)


def _beginning(row: Any) -> tuple[date, str]:
    return row.valid_from or date.min, row.id
