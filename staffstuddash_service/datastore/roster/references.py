"""References of records: their students, classes, people and other rows must be stored."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.errors import ServiceError
from shared_db.queries.dialects import in_list
from staffstuddash_service.datastore.roster.tables import Reference, RosterTable
from staffstuddash_service.datastore.student_locks import lock_owners, refusals_of_missing
from staffstuddash_service.domain.roster import Record
from staffstuddash_service.errors import RosterEnded, UnknownReference
from staffstuddash_service.models import KeptRow


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

    Lock order: students (`owners`), then classes and people; both stay locked, so that no row of an
    erased student and no relation to an ended class is stored.
    """
    found: dict[str, ServiceError] = {}
    if table.has_student:
        found |= _without_student(session, records, owners)
    for reference in table.references:
        found |= _without_target(session, table, reference, records, today)
    return found


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
    stored = _ended_by_id(
        session, reference.target, set[str]().union(*wanted.values()), lock=table.is_relation
    )
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
    query = select(model.id, model.ended_at).where(is_there).order_by(model.id)
    if lock:
        query = query.with_for_update(read=True)
    return {row[0]: row[1] for row in session.execute(query, {"ids": sorted(ids)})}
