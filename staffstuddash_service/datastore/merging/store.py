"""Merge of two ids of one student: all rows move, and derived values are computed again.

Both students are locked in the order of their ids, as in all writers. The rows, the alias and the
action are one transaction; dropout follows by the published view of the aliases.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, inspect, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.errors import DatabaseBusy
from shared_db.pseudonyms import pseudonym_of
from shared_db.repository import Repository
from shared_db.row_moves import MoveReport, move_rows, owned_tables, row_count
from shared_db.writes.idempotent_insert import content_digest
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.merging.drafts import merge_drafts
from staffstuddash_service.datastore.merging.holds import merge_holds
from staffstuddash_service.datastore.merging.roster import MERGED, merge_roster
from staffstuddash_service.datastore.performance import recompute_all
from staffstuddash_service.datastore.rights.restrictions import merge_restrictions
from staffstuddash_service.datastore.student_locks import (
    MERGED_MEANWHILE,
    erased_among,
    lock_students,
    present_ids,
)
from staffstuddash_service.errors import (
    MergedElsewhere,
    SameStudent,
    StudentErased,
    StudentNotFound,
)
from staffstuddash_service.models import (
    Alias,
    Base,
    ConceptStanding,
    Draft,
    Hold,
    PerformanceRecord,
    Student,
    StudentRestriction,
)

# Tables with one row for a student and something else, which a merge resolves. The rows of all
# other tables with a student's id are moved as they are.
RESOLVED = (
    Draft.__tablename__,
    Hold.__tablename__,
    ConceptStanding.__tablename__,
    PerformanceRecord.__tablename__,
    StudentRestriction.__tablename__,
    *MERGED,
)
MOVED = owned_tables(Base.metadata, "student_id", RESOLVED)


class MergingRepository(Repository):
    """Merges of students."""

    def merge(
        self, old_id: str, new_id: str, *, actor: str = "veritas", dry_run: bool = False
    ) -> MoveReport:
        """Move everything stored of a student to another id, and leave an alias of the old one.

        If no student has the new id, the student is renamed. If it is an alias, its student gets
        the rows. Repeating a merge changes nothing. dry_run: return the report, change nothing.

        Raises:
            SameStudent: both ids lead to one student.
            StudentNotFound: no student has or had the old id.
            StudentErased: one of the students was erased.
            MergedElsewhere: the old id was merged into another student.
            DatabaseBusy: one of the ids is being inserted or merged now.

        """

        def change(session: Session) -> MoveReport:
            savepoint = session.begin_nested()
            report = _merge(session, old_id, new_id, actor)
            session.flush()
            if dry_run:
                savepoint.rollback()
            return report

        return self.write(change)


def _merge(session: Session, old_id: str, new_id: str, actor: str) -> MoveReport:
    known = present_ids(session, [old_id, new_id])
    target = known.get(new_id, new_id)
    if target == old_id:
        raise SameStudent(old_id)
    locked = lock_students(session, {old_id, target})
    if present_ids(session, [old_id, new_id]) != known:
        raise DatabaseBusy(MERGED_MEANWHILE)
    _require_not_erased(session, [old_id, new_id, target])
    if old_id in known:
        if known[old_id] != target:
            raise MergedElsewhere(old_id, known[old_id])
        return MoveReport(target, is_replay=True)
    if old_id not in locked:
        raise StudentNotFound(old_id)
    return _move(session, old_id, target, actor, is_rename=target not in locked)


def _require_not_erased(session: Session, student_ids: Sequence[str]) -> None:
    for erased in sorted(erased_among(session, student_ids)):
        raise StudentErased(erased)


def _move(session: Session, old_id: str, target: str, actor: str, *, is_rename: bool) -> MoveReport:
    now = utc_now()
    old = session.get_one(Student, old_id)
    if is_rename:
        _insert_renamed(session, old, target)
    else:
        _fill_in_email(session, old, target, now)
    moved = move_rows(session, MOVED, "student_id", old_id, target)
    roster = merge_roster(session, old_id, target, now)
    restrictions = merge_restrictions(session, old_id, target)
    drafts = merge_drafts(session, old_id, target)
    held = merge_holds(session, old_id, target)
    records = _delete_derived(session, old_id)
    recompute_all(session, target, now)
    standings = session.scalar(select(func.count()).where(ConceptStanding.student_id == target))
    _leave_alias(session, old, target, actor, now)
    log_action(session, target, actor, "student.merged", data={"pseudonym": pseudonym_of(old_id)})
    session.flush()
    session.expunge(old)
    session.execute(delete(Student).where(Student.id == old_id))
    return MoveReport(
        target,
        moved={
            **moved,
            **roster.moved,
            "drafts": drafts.moved,
            "holds": held.moved,
            "students": 1,
            StudentRestriction.__tablename__: restrictions[0],
        },
        conflicts={
            "students": 0 if is_rename else 1,
            "performance_records": 0 if is_rename else records,
            "drafts": drafts.conflicts,
            "holds": held.conflicts,
            StudentRestriction.__tablename__: restrictions[1],
            **roster.conflicts,
        },
        recomputed={
            "performance_records": 1,
            "concept_standings": standings or 0,
            "drafts": drafts.recomputed,
        },
    )


def _insert_renamed(session: Session, old: Student, target: str) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    names = set(inspect(Student).columns.keys()) - {"id"}
    values = {name: getattr(old, name) for name in sorted(names)}
    insert = dialect.insert(Student).values(id=target, **values)
    inserted = session.scalar(insert.on_conflict_do_nothing().returning(Student.id))
    if inserted is None:
        raise DatabaseBusy(MERGED_MEANWHILE)  # the id was inserted since the students were locked


def _fill_in_email(session: Session, old: Student, target: str, now: datetime) -> None:
    """Give the student the e-mail of the old id, unless one is stored."""
    student = session.get_one(Student, target)
    if student.email is None and old.email is not None:
        student.email, student.updated_at = old.email, now
    session.flush()


def _delete_derived(session: Session, student_id: str) -> int:
    """Delete the derived rows of the old id; return the number of performance records."""
    session.execute(delete(ConceptStanding).where(ConceptStanding.student_id == student_id))
    record = delete(PerformanceRecord).where(PerformanceRecord.student_id == student_id)
    return row_count(session.execute(record))


def _leave_alias(session: Session, old: Student, target: str, actor: str, now: datetime) -> None:
    # Earlier aliases of the old id lead to the present one, so that none needs a second step.
    session.execute(update(Alias).where(Alias.new_id == old.id).values(new_id=target))
    digest = content_digest({"name": old.name, "email": old.email})
    alias = Alias(old_id=old.id, new_id=target, merged_at=now, merged_by=actor, digest=digest)
    session.add(alias)
