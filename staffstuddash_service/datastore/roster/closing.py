"""Closing of a term: its classes are archived, and their enrolments and teaching end."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.orm import Session, aliased

from shared_db.queries.dialects import in_list
from staffstuddash_service.datastore.memberships import is_open
from staffstuddash_service.datastore.roster.ending import end_rows
from staffstuddash_service.datastore.roster.tables import TABLES, has_item
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import TermNotFound
from staffstuddash_service.models import ClassRow, EnrolmentRow, Period, TermRow
from staffstuddash_service.term_errors import TermHasOpenTerms, TermNotOver

_BATCH = 1000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class TermClosing:
    """Account of closing a term.

    closed_at: None in a dry run of an open term. archived_classes, ended_enrolments,
    ended_teaching: the rows that this call changes, or would change in a dry run. kept_classes:
    classes that belong to an open term as well. leavers: students of the term's archived classes
    without an enrolment that holds or is to begin.
    """

    term_id: str
    ends_on: date
    closed_at: datetime | None
    archived_classes: int
    kept_classes: int
    ended_enrolments: int
    ended_teaching: int
    leavers: int
    is_dry: bool
    is_replay: bool


class _Classes(NamedTuple):
    """Classes of a term: the first day on which each to archive is over, and the others."""

    over_on: Mapping[str, date]
    kept: Sequence[str]
    archived: Sequence[str]


def close_term(
    session: Session, term_id: str, now: datetime, *, is_dry: bool, is_memory: bool
) -> TermClosing:
    """Close a term and archive the classes that belong to no other open term.

    Lock order: the term, its classes by id, then relations by id. The other terms are read after
    the classes are locked, so of two terms closed at once the second archives a shared class.

    Raises:
        TermNotFound: no term has that id.
        TermNotOver: its last day has not passed.
        TermHasOpenTerms: a term within it is open.

    """
    lock, today = not is_dry, now.date()
    term = session.get(TermRow, term_id, with_for_update=lock)
    if term is None:
        raise TermNotFound(term_id)
    is_replay = term.closed_at is not None
    if not is_replay:
        _require_closable(session, term, today)
    classes = _classes(session, term_id, today, lock=lock, is_memory=is_memory)
    account = TermClosing(
        term_id=term_id,
        ends_on=term.ends_on,
        closed_at=term.closed_at or (None if is_dry else now),
        archived_classes=len(classes.over_on),
        kept_classes=len(classes.kept),
        ended_enrolments=len(_open_relations(session, RosterKind.ENROLMENT, classes.over_on, now)),
        ended_teaching=len(_open_relations(session, RosterKind.TEACHING, classes.over_on, now)),
        leavers=_leaver_count(session, [*classes.over_on, *classes.archived], today),
        is_dry=is_dry,
        is_replay=is_replay,
    )
    if not is_dry:
        _archive(session, classes.over_on, now)
    if lock and not is_replay:
        term.ended_at = term.ended_at or now
        term.closed_at = term.updated_at = now
    return account


def has_not_ended(model: type[Period], today: date) -> Any:
    """Return the condition that a relation holds or is to begin, and was not ended."""
    return and_(model.ended_at.is_(None), is_open(model, today))


def _require_closable(session: Session, term: TermRow, today: date) -> None:
    if term.ends_on >= today:
        raise TermNotOver(term.id, term.ends_on)
    is_open_child = and_(
        TermRow.parent_id == term.id, TermRow.closed_at.is_(None), TermRow.ended_at.is_(None)
    )
    open_ids = session.scalars(select(TermRow.id).where(is_open_child).order_by(TermRow.id)).all()
    if open_ids:
        raise TermHasOpenTerms(term.id, open_ids)


def _classes(
    session: Session, term_id: str, today: date, *, lock: bool, is_memory: bool
) -> _Classes:
    is_of_term = has_item(ClassRow.term_ids, term_id, is_memory=is_memory)
    query = select(ClassRow.id, ClassRow.term_ids, ClassRow.archived_at).where(is_of_term)
    query = query.order_by(ClassRow.id)
    rows = session.execute(query.with_for_update() if lock else query).all()
    term_ids = {id_ for row in rows for id_ in row.term_ids}
    is_asked = in_list(TermRow.id, "ids", session.get_bind().dialect.name)
    others = select(TermRow.id, TermRow.ends_on).where(
        is_asked,
        (TermRow.id == term_id) | TermRow.closed_at.is_not(None) | TermRow.ended_at.is_not(None),
    )
    last_days: dict[str, date] = {
        row[0]: row[1] for row in session.execute(others, {"ids": sorted(term_ids)})
    }
    over_on: dict[str, date] = {}
    kept: list[str] = []
    for row in rows:
        if row.archived_at is None and all(id_ in last_days for id_ in row.term_ids):
            # A term that was ended by hand may have its last day in the future.
            over_on[row.id] = min(max(last_days[id_] for id_ in row.term_ids) + _DAY, today)
        elif row.archived_at is None:
            kept.append(row.id)
    return _Classes(over_on, kept, [row.id for row in rows if row.archived_at is not None])


def _open_relations(
    session: Session, kind: RosterKind, class_ids: Mapping[str, date], now: datetime
) -> list[tuple[str, str]]:
    """Return id and class of the relations of the classes that have not ended."""
    model = TABLES[kind].model
    is_asked = in_list(model.class_id, "ids", session.get_bind().dialect.name)
    query = select(model.id, model.class_id).where(is_asked, has_not_ended(model, now.date()))
    return [
        (row[0], row[1])
        for ids in _batches(list(class_ids))
        for row in session.execute(query, {"ids": ids})
    ]


def _leaver_count(session: Session, class_ids: Sequence[str], today: date) -> int:
    """Return the number of students of these classes without an enrolment in another class."""
    if not class_ids:
        return 0
    other, dialect = aliased(EnrolmentRow), session.get_bind().dialect.name
    # Not `NOT IN`: the negation of "equal to any" would be "different from any".
    is_elsewhere = case((in_list(other.class_id, "others", dialect), 0), else_=1) == 1
    stays = select(other.id).where(
        other.student_id == EnrolmentRow.student_id,
        has_not_ended(other, today),
        is_elsewhere,
    )
    is_asked = in_list(EnrolmentRow.class_id, "ids", dialect)
    query = select(func.count(EnrolmentRow.student_id.distinct())).where(is_asked, ~stays.exists())
    return session.execute(query, {"ids": class_ids, "others": class_ids}).scalar_one()


def _archive(session: Session, over_on: Mapping[str, date], now: datetime) -> None:
    for kind in (RosterKind.ENROLMENT, RosterKind.TEACHING):
        by_day: dict[date, list[str]] = defaultdict(list)
        for id_, class_id in _open_relations(session, kind, over_on, now):
            by_day[over_on[class_id]].append(id_)
        for day, ids in sorted(by_day.items()):
            end_rows(session, TABLES[kind], ids, now, over_on=day)
    end_rows(session, TABLES[RosterKind.CLASS], list(over_on), now)
    archived = update(ClassRow).values(archived_at=now, updated_at=now)
    for batch in _batches(list(over_on)):
        session.execute(
            archived.where(ClassRow.id.in_(batch)).execution_options(synchronize_session=False)
        )


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + _BATCH] for at in range(0, len(ids), _BATCH)]
