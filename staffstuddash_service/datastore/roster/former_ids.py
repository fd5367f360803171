"""Records under former ids of merged students, which senders go on using for some time.

The merge kept one row where both ids had one. Such a record must not store the other row again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.queries.dialects import in_list
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.memberships import Days
from staffstuddash_service.datastore.roster.tables import RosterTable
from staffstuddash_service.datastore.student_locks import former_ids


def covered_records(
    session: Session,
    table: RosterTable,
    rows: Mapping[str, Row],
    owners: Mapping[str, str],
    stored: Collection[str],
    closed: Collection[str],
) -> set[str]:
    """Return the keys of records under a former id that a row of the student covers already.

    Of demographics, any row; those of the present id precede. Of a relation, another row of the
    same ends that overlaps, unless the record holds today and the row has ended. closed: the keys
    of records in archived classes, where none can hold.
    """
    merged = {owner for id_, owner in owners.items() if id_ != owner}
    if not merged:
        return set()
    if table.key_name == "student_id":
        return _demographics(rows, owners, stored)
    if not table.is_relation:
        return set()
    new = {
        key: row for key, row in rows.items() if row["student_id"] in merged and key not in stored
    }
    others = _relations(session, table, merged) if new else []
    today = utc_now().date()
    return {
        key
        for key, row in new.items()
        if any(
            _overlaps(table, other, row) and (key in closed or not _is_outlasted(other, row, today))
            for other in others
        )
    }


def keep_digests(
    session: Session,
    table: RosterTable,
    records: Sequence[tuple[Any, Row]],
    stored: Mapping[str, Any],
) -> None:
    """Give rows the stored digest if their record is the stored one under any id of the student."""
    if not table.has_student or not stored:
        return
    all_ids: dict[str, list[str]] = {}
    for former, owner in former_ids(session, {row["student_id"] for _, row in records}).items():
        all_ids.setdefault(owner, [owner]).append(former)
    for record, row in records:
        old = stored.get(row[table.key_name])
        ids = [] if old is None else all_ids.get(row["student_id"], [])
        same = (content_digest({**vars(record), "student_id": id_}) for id_ in ids)
        if old is not None and old.digest in same:
            row["digest"] = old.digest


def present_keys(
    session: Session, table: RosterTable, keys: Collection[str], present: Collection[str]
) -> set[str]:
    """Return the keys of stored rows whose record a source has, if under a former id.

    Only demographics are stored by the id of their student.
    """
    if table.key_name != "student_id" or not keys:
        return set()
    former = former_ids(session, keys)
    return {owner for old, owner in former.items() if old in present}


def _demographics(
    rows: Mapping[str, Row], owners: Mapping[str, str], stored: Collection[str]
) -> set[str]:
    found = set[str]()
    placed = {key for key in rows if owners[key] == key}.union(stored)
    for key in rows:
        if owners[key] == key:
            continue
        if owners[key] in placed:
            found.add(key)
        placed.add(owners[key])
    return found


def _relations(session: Session, table: RosterTable, student_ids: Collection[str]) -> list[Any]:
    model = table.model
    columns = [getattr(model, name) for name in (*table.ends, "valid_from", "valid_to")]
    is_theirs = in_list(model.student_id, "ids", session.get_bind().dialect.name)
    query = select(*columns).where(is_theirs)
    return list(session.execute(query, {"ids": sorted(student_ids)}))


def _overlaps(table: RosterTable, other: Any, row: Row) -> bool:
    if any(getattr(other, name) != row[name] for name in table.ends):
        return False
    return _days(other).overlaps(Days(row["valid_from"], row["valid_to"]))


def _is_outlasted(other: Any, row: Row, today: date) -> bool:
    """Return True if the other row has ended, and the sent one holds longer."""
    return _days(other).end <= today and _days(other).end < Days(None, row["valid_to"]).end


def _days(row: Any) -> Days:
    return Days(row.valid_from, row.valid_to)
