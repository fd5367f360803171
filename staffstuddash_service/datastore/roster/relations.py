"""Relations named by their two ends: replaced, ended and listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from shared_db.ids import new_id
from shared_db.queries.dialects import in_list
from shared_db.queries.pagination import Keyset
from staffstuddash_service.datastore.memberships import holds_on
from staffstuddash_service.datastore.roster.changes import (
    RosterOutcome,
    RosterResult,
    apply_records,
)
from staffstuddash_service.datastore.roster.ending import end_rows
from staffstuddash_service.datastore.roster.tables import TABLES, RosterTable
from staffstuddash_service.datastore.student_locks import find_student, lock_owners
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


def identified(
    session: Session,
    table: RosterTable,
    relations: Sequence[Any],
    now: datetime,
    *,
    keeps_end: bool,
) -> list[Any]:
    """Return many relations of students with ids and first days, as `replace_relation` finds them.

    Students have their present ids. keeps_end: True if the stored `valid_to` stays. The students
    are locked.
    """
    today = now.date()
    owners = lock_owners(session, {relation.student_id for relation in relations})
    present = _open_by_ends(session, table, set(owners.values()), today)
    new_ids: dict[tuple[str, ...], str] = {}
    found: list[Any] = []
    for relation in relations:
        student_id = owners.get(relation.student_id, relation.student_id)
        of_owner = replace(relation, student_id=student_id)
        ends = _ends_of(table, of_owner)
        row = present.get(ends)
        values = {
            "id": new_ids.setdefault(ends, new_id()) if row is None else row.id,
            "valid_from": relation.valid_from or (today if row is None else row.valid_from),
        }
        if keeps_end and row is not None:
            values["valid_to"] = row.valid_to
        found.append(replace(of_owner, **values))
    return found


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


def _open_by_ends(
    session: Session, table: RosterTable, student_ids: Collection[str], today: date
) -> dict[tuple[str, ...], Any]:
    is_asked = in_list(table.model.student_id, "ids", session.get_bind().dialect.name)
    is_open = or_(table.model.valid_to.is_(None), table.model.valid_to > today)
    rows = session.scalars(
        select(table.model).where(is_asked, is_open),
        {"ids": sorted(student_ids)},
        execution_options={"populate_existing": True},
    )
    first: dict[tuple[str, ...], Any] = {}
    for row in sorted(rows, key=_beginning):
        first.setdefault(_ends_of(table, row), row)
    return first


def _ends_of(table: RosterTable, relation: Any) -> tuple[str, ...]:
    return tuple(getattr(relation, name) for name in table.ends)


def _beginning(row: Any) -> tuple[date, str]:
    return row.valid_from or date.min, row.id
