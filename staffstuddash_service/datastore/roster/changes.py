"""Changes by records: each is stored, changes its row, repeats it, or is refused.

A relation that begins again, or moves to another class or person, keeps its history: the earlier
row ends and gets another id, and a new row begins. Records under a former id of a merged student
are stored under the present one; their digest stays that of the sent record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared_db.columns import Row
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.queries.dialects import in_list
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.writes.copy_from import bulk_insert
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.roster import references
from staffstuddash_service.datastore.roster.checks import problem_of
from staffstuddash_service.datastore.roster.former_ids import covered_records, keep_digests
from staffstuddash_service.datastore.roster.tables import RosterTable
from staffstuddash_service.datastore.upsert import upsert
from staffstuddash_service.domain.roster import MANUAL, Record, record_key
from staffstuddash_service.errors import RecordExists, RepeatedInBatch


class RosterOutcome(StrEnum):
    """Outcome of one record."""

    STORED = "stored"
    CHANGED = "changed"
    REPEATED = "repeated"
    REFUSED = "refused"


class RosterResult(NamedTuple):
    """Result of one record; `id` is its key."""

    id: str
    outcome: RosterOutcome
    refusal: ServiceError | None = None


@dataclass
class _Plan:
    """Rows to write; `archived` has the values of rows that become history, by their present id."""

    inserted: list[Row] = field(default_factory=list)
    overwritten: list[Row] = field(default_factory=list)
    archived: dict[str, Row] = field(default_factory=dict)


def apply_records(
    session: Session,
    table: RosterTable,
    records: Sequence[Record],
    source: str,
    now: datetime,
    *,
    may_change: bool = True,
) -> list[RosterResult]:
    """Store records and return the result of each, in order; rows are written by ascending id.

    may_change: False refuses records that are stored with other content, or have ended.
    """
    today = now.date()
    keys = [record_key(record) for record in records]
    first: dict[str, Record] = {}
    for key, record in zip(keys, records, strict=True):
        first.setdefault(key, record)
    refused: dict[str, ServiceError] = {
        key: problem for key, record in first.items() if (problem := problem_of(table, key, record))
    }
    valid = {key: record for key, record in first.items() if key not in refused}
    owners = references.lock_owners_of(session, table, valid)
    refused |= references.refusals(session, table, valid, owners, today)
    rows = {
        key: _row(table, key, first[key], owners, source, now)
        for key in sorted(valid)
        if key not in refused
    }
    stored = _stored(session, table, [row[table.key_name] for row in rows.values()])
    # After the rows are locked, which waits for a term that is being closed.
    closed = references.refusals_of_closed(session, table, {key: first[key] for key in rows})
    keep_digests(session, table, [(first[key], row) for key, row in rows.items()], stored)
    covered = covered_records(session, table, rows, owners, set(stored), set(closed))
    plan = _Plan()
    outcomes: dict[str, RosterOutcome] = {}
    for key, row in rows.items():
        old = stored.get(row[table.key_name])
        if key in covered:
            outcomes[key] = RosterOutcome.REPEATED
        elif _is_of_another(table, old, row) and table.taken:
            refused[key] = table.taken(key)
        elif key in closed and old is not None and old.digest == row["digest"]:
            # A nightly file repeats the records of earlier terms.
            outcomes[key] = RosterOutcome.REPEATED
        elif key in closed:
            refused[key] = closed[key]
        elif not may_change and old is not None and not _is_same(table, old, row, today):
            refused[key] = RecordExists(key)
        else:
            outcomes[key] = _planned(table, old, row, today, plan)
    _write(session, table, plan)
    return _results(keys, records, first, outcomes, refused)


def _results(
    keys: Sequence[str],
    records: Sequence[Record],
    first: Mapping[str, Record],
    outcomes: Mapping[str, RosterOutcome],
    refused: Mapping[str, ServiceError],
) -> list[RosterResult]:
    results: list[RosterResult] = []
    seen: set[str] = set()
    for key, record in zip(keys, records, strict=True):
        if record is not first[key] and record != first[key]:
            result = RosterResult(key, RosterOutcome.REFUSED, RepeatedInBatch(key))
        elif key in refused:
            result = RosterResult(key, RosterOutcome.REFUSED, refused[key])
        else:
            result = RosterResult(key, RosterOutcome.REPEATED if key in seen else outcomes[key])
        seen.add(key)
        results.append(result)
    return results


def _row(
    table: RosterTable,
    key: str,
    record: Record,
    owners: Mapping[str, str],
    source: str,
    now: datetime,
) -> Row:
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(record).items()
    }
    row: Row = {
        **values,
        table.key_name: key,
        "source": source,
        "digest": content_digest(values),
        "created_at": now,
        "updated_at": now,
    }
    if table.has_student:
        row["student_id"] = owners[row["student_id"]]
    return {**row, "ended_at": None} if table.is_kept else row


def _stored(session: Session, table: RosterTable, keys: Sequence[str]) -> dict[str, Any]:
    """Return the stored rows of these keys, locked in the order of the keys."""
    if not keys:
        return {}
    names = [table.key_name, "digest", "source", "created_at"]
    names += ["ended_at"] if table.is_kept else ["student_id"]
    names += ["valid_from", "valid_to", *table.ends] if table.is_relation else []
    columns = [getattr(table.model, name).label(name) for name in dict.fromkeys(names)]
    is_there = in_list(table.key, "ids", session.get_bind().dialect.name)
    query = select(*columns).where(is_there).order_by(table.key).with_for_update()
    return {
        getattr(row, table.key_name): row for row in session.execute(query, {"ids": list(keys)})
    }


def _is_of_another(table: RosterTable, old: Any, row: Row) -> bool:
    return old is not None and not table.is_kept and old.student_id != row["student_id"]


def _planned(table: RosterTable, old: Any, row: Row, today: date, plan: _Plan) -> RosterOutcome:
    if old is None:
        plan.inserted.append(row)
        return RosterOutcome.STORED
    if _is_same(table, old, row, today):
        return RosterOutcome.REPEATED
    beginning = _new_beginning(table, old, row, today) if table.is_relation else None
    if beginning is None:
        plan.overwritten.append({**row, "created_at": old.created_at})
        return RosterOutcome.CHANGED
    plan.archived[old.id] = _history(old, beginning, row["updated_at"])
    plan.inserted.append({**row, "valid_from": beginning})
    return RosterOutcome.CHANGED


def _is_same(table: RosterTable, old: Any, row: Row, today: date) -> bool:
    # Equal content does not take a row away from the source that maintains it.
    is_equal = old.digest == row["digest"] and row["source"] in (old.source, MANUAL)
    if not is_equal or not table.is_kept or old.ended_at is None:
        return is_equal
    return table.is_relation and row["valid_to"] is not None and row["valid_to"] <= today


def _new_beginning(table: RosterTable, old: Any, row: Row, today: date) -> date | None:
    """Return the day on which a new period begins; None if the stored period is changed."""
    begins, ends = row["valid_from"], row["valid_to"]
    if any(getattr(old, name) != row[name] for name in table.ends):
        beginning = begins if begins is not None and begins != old.valid_from else today
    elif old.valid_to is None or old.valid_to > today or (ends and ends <= old.valid_to):
        return None
    elif begins is not None and begins >= old.valid_to:
        beginning = begins
    elif old.ended_at is None or old.valid_to == today:
        return None
    else:
        beginning = today
    return beginning if ends is None else min(beginning, ends)


def _history(old: Any, beginning: date, now: datetime) -> Row:
    last = beginning if old.valid_to is None else min(old.valid_to, beginning)
    return {
        "id": new_id(),
        "valid_to": last if old.valid_from is None else max(last, old.valid_from),
        "ended_at": old.ended_at or now,
        "updated_at": now,
    }


def _write(session: Session, table: RosterTable, plan: _Plan) -> None:
    for id_, values in plan.archived.items():
        session.execute(update(table.model).where(table.key == id_).values(**values))
    if plan.inserted:
        try:
            with session.begin_nested():
                bulk_insert(session, table.model, plan.inserted)
        except IntegrityError as refusal:
            if not is_unique_violation(refusal):
                raise
            # Another transaction stored some of them meanwhile.
            upsert(session, table.model, plan.inserted)
    upsert(session, table.model, plan.overwritten)
