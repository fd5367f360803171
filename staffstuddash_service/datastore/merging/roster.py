"""Roster of a merged student: periods of one class or advisor, and demographics.

Guardians and identifiers have keys of their own and move as they are.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from shared_db.row_moves import move_rows, row_count
from staffstuddash_service.datastore.memberships import Days
from staffstuddash_service.domain.roster import MANUAL
from staffstuddash_service.models import AdvisingRow, DemographicsRow, EnrolmentRow

_DEMOGRAPHICS: Any = DemographicsRow.__table__
# Relations of a student, with the field of their other end.
_RELATIONS: tuple[tuple[type[EnrolmentRow | AdvisingRow], str], ...] = (
    (EnrolmentRow, "class_id"),
    (AdvisingRow, "person_id"),
)
MERGED = (EnrolmentRow.__tablename__, AdvisingRow.__tablename__, DemographicsRow.__tablename__)


@dataclass
class MergedRoster:
    """Numbers of rows by table: moved, and of the old id in the place of a row of the new one."""

    moved: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)


def merge_roster(session: Session, old_id: str, new_id: str, now: datetime) -> MergedRoster:
    """Move the relations and demographics of one id to another; both students must be locked.

    Periods of one class or advisor that overlap become one period, which covers them. Demographics
    of the new id stay.
    """
    report = MergedRoster()
    for model, other in _RELATIONS:
        conflicts = _join_periods(session, model, other, (old_id, new_id), now)
        table: Any = model.__table__
        report.moved |= move_rows(session, [table], "student_id", old_id, new_id)
        report.conflicts[table.name] = conflicts
    _merge_demographics(session, _DEMOGRAPHICS, old_id, new_id, report)
    return report


def _merge_demographics(
    session: Session, table: Table, old_id: str, new_id: str, report: MergedRoster
) -> None:
    is_stored = session.scalar(
        select(table.c.student_id).where(table.c.student_id == new_id).with_for_update()
    )
    if is_stored is None:
        report.moved |= move_rows(session, [table], "student_id", old_id, new_id)
        report.conflicts[table.name] = 0
        return
    removed = session.execute(delete(table).where(table.c.student_id == old_id))
    report.moved[table.name] = 0
    report.conflicts[table.name] = row_count(removed)


def _join_periods(
    session: Session,
    model: type[EnrolmentRow | AdvisingRow],
    other: str,
    ids: tuple[str, str],
    now: datetime,
) -> int:
    """Join the overlapping periods of both ids; return the number of those of the old id."""
    # Locked in the order of their ids, as where relations end with a class or person.
    both = select(model).where(model.student_id.in_(ids)).order_by(model.id).with_for_update()
    by_end: dict[str, list[Any]] = defaultdict(list)
    for row in session.scalars(both, execution_options={"populate_existing": True}):
        by_end[getattr(row, other)].append(row)
    joined = 0
    for rows in by_end.values():
        for group in _overlapping(rows):
            if {row.student_id for row in group} == set(ids):
                joined += sum(row.student_id == ids[0] for row in group)
                _keep_one(session, group, ids[1], now)
    session.flush()
    return joined


def _overlapping(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the groups of rows that overlap, directly or by others."""
    group: list[Any] = []
    whole = Days(None, None)
    for row in sorted(rows, key=lambda row: (_days(row).beginning, row.id)):
        days = _days(row)
        if group and whole.overlaps(days):
            group.append(row)
            whole = Days(whole.valid_from, max(whole, days, key=_end).valid_to)
            continue
        if group:
            yield group
        group, whole = [row], days
    yield group


def _keep_one(session: Session, rows: Sequence[Any], new_id: str, now: datetime) -> None:
    """Keep one row for all days; a source that maintains it is better than none."""
    kept = max(rows, key=lambda row: (row.source != MANUAL, row.student_id == new_id, row.id))
    last = max(rows, key=lambda row: (_days(row).end, row.ended_at is None))
    # The rows are in the order of their beginning.
    kept.valid_from, kept.valid_to = rows[0].valid_from, last.valid_to
    kept.ended_at, kept.updated_at = last.ended_at, now
    for row in rows:
        if row is not kept:
            session.delete(row)


def _days(row: Any) -> Days:
    return Days(row.valid_from, row.valid_to)


def _end(days: Days) -> Any:
    return days.end
