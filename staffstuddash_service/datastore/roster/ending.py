"""Ending of rows: classes and people with their relations, relations, and rows of a student."""

from collections.abc import Sequence, Set
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, and_, case, delete, literal, select, update
from sqlalchemy.orm import Session

from shared_db.queries.dialects import in_list
from staffstuddash_service.datastore.memberships import is_open
from staffstuddash_service.datastore.roster.former_ids import present_keys
from staffstuddash_service.datastore.roster.tables import TABLES, RosterTable
from staffstuddash_service.domain.roster import RosterKind

_PAGE, _BATCH = 5000, 1000
# Relations that end with a row.
_DEPENDENT = {
    TABLES[RosterKind.CLASS].model: ("class_id", (RosterKind.ENROLMENT, RosterKind.TEACHING)),
    TABLES[RosterKind.PERSON].model: ("person_id", (RosterKind.TEACHING, RosterKind.ADVISING)),
}


class Absent(NamedTuple):
    """Number of rows of a source that it no longer has, and of all its rows that have not ended."""

    absent: int
    stored: int


def end_rows(
    session: Session,
    table: RosterTable,
    keys: Sequence[str],
    now: datetime,
    *,
    over_on: date | None = None,
) -> int:
    """End rows, and the relations of an ended class or person; return the number of `keys` ended.

    Rows that have ended stay as they are. Rows that only describe a student are deleted. over_on:
    the first day on which ended relations are over, by default today.
    """
    ordered = sorted(keys)
    starts = range(0, len(ordered), _BATCH)
    return sum(_end(session, table, ordered[at : at + _BATCH], now, over_on) for at in starts)


def end_absent(
    session: Session,
    table: RosterTable,
    source: str,
    present: Set[str],
    now: datetime,
    *,
    is_dry: bool,
) -> Absent:
    """End the rows of a source whose key is not among the present ones.

    is_dry: only count them.
    """
    absent, total, after = list[str](), 0, ""
    wanted = and_(table.model.source == source, _has_not_ended(table, now.date()))
    while page := session.scalars(
        select(table.key).where(wanted, table.key > after).order_by(table.key).limit(_PAGE)
    ).all():
        total, after = total + len(page), page[-1]
        missing = [key for key in page if key not in present]
        kept = present_keys(session, table, missing, present)
        absent += [key for key in missing if key not in kept]
    if not is_dry:
        end_rows(session, table, absent, now)
    return Absent(len(absent), total)


def _has_not_ended(table: RosterTable, today: date) -> ColumnElement[bool]:
    if not table.is_kept:
        return literal(value=True)
    if table.is_relation:
        return and_(table.model.ended_at.is_(None), is_open(table.model, today))
    return table.model.ended_at.is_(None)  # type: ignore[no-any-return] # the model is any class


def _end(
    session: Session,
    table: RosterTable,
    keys: list[str],
    now: datetime,
    over_on: date | None = None,
) -> int:
    is_asked = in_list(table.key, "ids", session.get_bind().dialect.name)
    is_alive = _has_not_ended(table, now.date())
    locked = select(table.key).where(is_asked, is_alive).order_by(table.key).with_for_update()
    ids = session.scalars(locked, {"ids": keys}).all()
    if not ids:
        return 0
    if not table.is_kept:
        session.execute(_quietly(delete(table.model)).where(table.key.in_(ids)))
        return len(ids)
    values: dict[str, Any] = {"ended_at": now, "updated_at": now}
    if table.is_relation:
        values["valid_to"] = _last_day(table.model, over_on or now.date())
    session.execute(_quietly(update(table.model)).where(table.key.in_(ids)).values(**values))
    _end_dependent(session, table, ids, now)
    return len(ids)


def _end_dependent(session: Session, table: RosterTable, ids: Sequence[str], now: datetime) -> None:
    field, kinds = _DEPENDENT.get(table.model, ("", ()))
    for kind in kinds:
        relation = TABLES[kind]
        theirs = select(relation.key).where(
            getattr(relation.model, field).in_(ids), _has_not_ended(relation, now.date())
        )
        end_rows(session, relation, session.scalars(theirs).all(), now)


def _last_day(model: Any, today: date) -> ColumnElement[date]:
    day = literal(today, Date())
    # A relation that has not begun ends with its beginning.
    return case((model.valid_from > day, model.valid_from), else_=day)


def _quietly(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
