"""References of records: their students, classes, people and other rows must be stored."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import case, false, null, select
from sqlalchemy.orm import Session

from shared_db.errors import ServiceError
from shared_db.queries.dialects import in_list
from staffstuddash_service.datastore.roster.tables import Reference, RosterTable
from staffstuddash_service.datastore.student_locks import lock_owners, refusals_of_missing
from staffstuddash_service.domain.roster import Record
from staffstuddash_service.errors import RosterEnded, UnknownReference
from staffstuddash_service.models import ClassRow, KeptRow, TermRow
from staffstuddash_service.term_errors import ClassArchived, TermClosed


def lock_owners_of(
    session: Session, table: RosterTable, records: Mapping[str, Any]
) -> dict[str, str]:
    """Lock the students of records; return the present id of each id found."""
    if not table.has_student or not records:
        return {}
    return lock_owners(session, {record.student_id for record in records.values()})


def refusals(
    session: Session,
    table: RosterTable,
    records: Mapping[str, Record],
    owners: Mapping[str, str],
    today: date,
) -> dict[str, ServiceError]:
    """Return the refusals of records, by key, that refer to rows which are missing or have ended.

    Lock order: students (`owners`), then terms, classes and people, which stay locked. So no row of
    an erased student, no relation to an ended class and no class of a closed term is stored.
    """
    found: dict[str, ServiceError] = {}
    if table.has_student:
        found |= _without_student(session, records, owners)
    for reference in table.references:
        found |= _without_target(session, table, reference, records, today)
    return found


def refusals_of_closed(
    session: Session, table: RosterTable, records: Mapping[str, Record]
) -> dict[str, ServiceError]:
    """Return the refusals of records, by key, that would change an archived class or closed term.

    They are terms and classes that are closed themselves, relations to an archived class, and rows
    of which each term is closed.
    """
    found: dict[str, ServiceError] = {}
    for reference in table.references:
        wanted = {key: _ids(record, reference.field) for key, record in records.items()}
        all_ids = set[str]().union(*wanted.values())
        if reference.target is TermRow:
            closed = _closed(session, TermRow, all_ids)
            found |= {
                key: TermClosed(reference.field, ids[0])
                for key, ids in wanted.items()
                if ids and closed.issuperset(ids)
            }
        elif reference.target is ClassRow:
            archived = _closed(session, ClassRow, all_ids)
            found |= {
                key: ClassArchived(i) for key, ids in wanted.items() for i in ids if i in archived
            }
    if table.model is TermRow:
        found |= {key: TermClosed("id", key) for key in _closed(session, TermRow, records)}
    elif table.model is ClassRow:
        found |= {key: ClassArchived(key) for key in _closed(session, ClassRow, records)}
    return found


def _closed(session: Session, model: type[ClassRow | TermRow], ids: Collection[str]) -> set[str]:
    if not ids:
        return set()
    is_there = in_list(model.id, "ids", session.get_bind().dialect.name)
    closed_at = ClassRow.archived_at if model is ClassRow else TermRow.closed_at
    query = select(model.id).where(is_there, closed_at.is_not(None))
    return set(session.scalars(query, {"ids": sorted(ids)}))


def _without_student(
    session: Session, records: Mapping[str, Any], owners: Mapping[str, str]
) -> dict[str, ServiceError]:
    missing = {record.student_id for record in records.values()}.difference(owners)
    reasons = refusals_of_missing(session, missing) if missing else {}
    return {
        key: reasons[record.student_id]
        for key, record in records.items()
        if record.student_id in reasons
    }


def _without_target(
    session: Session,
    table: RosterTable,
    reference: Reference,
    records: Mapping[str, Record],
    today: date,
) -> dict[str, ServiceError]:
    wanted = {key: _ids(record, reference.field) for key, record in records.items()}
    lock = table.is_relation or reference.target is TermRow
    all_ids = set[str]().union(*wanted.values())
    stored = _ended_by_id(session, reference.target, all_ids, lock=lock)
    found: dict[str, ServiceError] = {}
    known: set[str] = set(stored)
    if reference.target is table.model:
        known |= _in_batch(wanted, known)
    for key, ids in wanted.items():
        if missing := next((id_ for id_ in ids if id_ not in known), None):
            refuse = reference.missing
            found[key] = refuse(missing) if refuse else UnknownReference(reference.field, missing)
        elif table.is_relation and not _is_over(records[key], today):
            ended = next((id_ for id_ in ids if stored[id_] is not None), None)
            if ended is not None:
                found[key] = RosterEnded(reference.field, ended)
    return found


def _ids(record: Record, field: str) -> tuple[str, ...]:
    value = getattr(record, field)
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def _is_over(record: Any, today: date) -> bool:
    return record.valid_to is not None and record.valid_to <= today


def _in_batch(wanted: Mapping[str, tuple[str, ...]], known: Collection[str]) -> set[str]:
    """Return the records of the batch with known parents, directly or within the batch."""
    fine: set[str] = set()
    waiting = dict(wanted)
    while settled := [
        key for key, ids in waiting.items() if all(id_ in known or id_ in fine for id_ in ids)
    ]:
        fine.update(settled)
        for key in settled:
            del waiting[key]
    return fine


def _ended_by_id(
    session: Session, model: type[KeptRow], ids: Collection[str], *, lock: bool
) -> dict[str, datetime | None]:
    if not ids:
        return {}
    is_there = in_list(model.id, "ids", session.get_bind().dialect.name)
    # The refusal of an archived class has a reason of its own.
    is_archived = ClassRow.archived_at.is_not(None) if model is ClassRow else false()
    ended_at = case((is_archived, null()), else_=model.ended_at)
    query = select(model.id, ended_at).where(is_there).order_by(model.id)
    if lock:
        query = query.with_for_update(read=True)
    return {row[0]: row[1] for row in session.execute(query, {"ids": sorted(ids)})}
