"""Merge of two ids of one student: all rows move, and derived values are computed again.

One merge is one transaction, with both students locked in the order of their ids. Its alias tells
that it was done. The merges of staffstuddash are repeated here, by the view of its aliases.
"""

import socket
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, tuple_, update
from sqlalchemy.orm import Session

from dropout_service.database.courses.merged_enrolments import merge_enrolments
from dropout_service.database.events.daily_rollup import rebuild_days_of
from dropout_service.database.overall_risks import keep_overall_risks
from dropout_service.database.predictions.latest import mark_overall, merge_latest
from dropout_service.database.students.locking import (
    MERGED_MEANWHILE,
    ensure_and_lock_to_merge,
    erased_among,
    present_ids,
)
from dropout_service.domain.rules.features import FEATURES_VERSION
from dropout_service.domain.rules.risk import RULES
from dropout_service.errors import SameStudent, StudentErased
from dropout_service.models import (
    Alias,
    Base,
    DailyActivity,
    DrawnPlace,
    DropoutPrediction,
    Enrolment,
    FeatureSet,
    LearningEvent,
    OverallRisk,
    ResourceUse,
    Student,
    published_aliases,
)
from shared_db.clock import utc_now
from shared_db.errors import DatabaseBusy
from shared_db.repository import Repository
from shared_db.row_moves import MoveReport, move_rows, owned_tables, row_count, shared_keys
from shared_db.writes.idempotent_insert import content_digest

# Tables with one row for a student and something else, which a merge resolves. The rows of all
# other tables with a student's id are moved as they are.
ROLLUPS: dict[Any, tuple[Any, ...]] = {
    DailyActivity: (DailyActivity.day, DailyActivity.course),
    ResourceUse: (ResourceUse.course, ResourceUse.resource_type),
}
RESOLVED = (
    *(model.__tablename__ for model in ROLLUPS),
    Enrolment.__tablename__,
    DropoutPrediction.__tablename__,
    OverallRisk.__tablename__,
    DrawnPlace.__tablename__,
)
MOVED = owned_tables(Base.metadata, "student_id", RESOLVED)
_RESOLVED_TABLES = [Base.metadata.tables[f"dropout.{name}"] for name in RESOLVED]
_PAGE_SIZE = 1000


class MergingRepository(Repository):
    """Merges of students."""

    def merge(self, old_id: str, new_id: str, *, dry_run: bool = False) -> MoveReport:
        """Move everything stored of a student to another id, and leave an alias of the old one.

        Nothing need be stored under either id. If the new id is an alias, its student gets the
        rows. Repeating a merge changes nothing. dry_run: return the report, change nothing.

        Raises:
            SameStudent: both ids lead to one student.
            StudentErased: all data of one of the students were erased.
            DatabaseBusy: one of the ids is being merged or erased now.

        """

        def change(session: Session) -> MoveReport:
            savepoint = session.begin_nested()
            report = _merge(session, old_id, new_id)
            session.flush()
            if dry_run:
                savepoint.rollback()
            return report

        return self.write(change)

    def follow(self) -> int:
        """Repeat the merges of staffstuddash that were not done here yet; return their number.

        Safe in concurrent processes: each merge is one transaction, and the second is a replay.

        Raises:
            DatabaseBusy: some students were locked or had too many rows; all others were merged.

        """
        count, busy = 0, None
        rows: Sequence[Any] = () if self.use_fallback else self.read(_next_to_follow)
        while rows:
            for row in rows:
                try:
                    count += not self.merge(row.old_id, row.new_id).is_replay
                except StudentErased:
                    continue  # since the rows were read; the erasure covers both ids
                except DatabaseBusy as failure:
                    busy = failure  # of one student, who must not block the others
            last = (rows[-1].merged_at, rows[-1].old_id)
            rows = self.read(partial(_next_to_follow, after=last))
        if busy is not None:
            raise busy
        return count


def _next_to_follow(session: Session, after: tuple[datetime, str] | None = None) -> Sequence[Any]:
    """Return the next merges of staffstuddash that were not done here, in their order."""
    theirs = published_aliases.c
    is_done = exists().where(Alias.old_id == theirs.old_id, Alias.new_id == theirs.new_id)
    query = select(theirs.old_id, theirs.new_id, theirs.merged_at).where(~is_done)
    if after is not None:
        query = query.where(tuple_(theirs.merged_at, theirs.old_id) > tuple_(*after))
    query = query.order_by(theirs.merged_at, theirs.old_id)
    return session.execute(query.limit(_PAGE_SIZE)).all()


def _merge(session: Session, old_id: str, new_id: str) -> MoveReport:
    known = present_ids(session, [old_id, new_id])
    # If it was merged before, and the other student is merged now, their rows are moved on.
    source, target = known.get(old_id, old_id), known.get(new_id, new_id)
    if old_id in (new_id, target):
        raise SameStudent(old_id)
    for erased in sorted(erased_among(session, {old_id, source, target})):
        raise StudentErased(erased)
    if source == target:
        return MoveReport(target, is_replay=True)
    now = utc_now()
    ensure_and_lock_to_merge(session, [source, target], now)
    if present_ids(session, [old_id, new_id, source, target]) != known:
        raise DatabaseBusy(MERGED_MEANWHILE)
    return _move(session, source, target, now)


def _move(session: Session, old_id: str, target: str, now: datetime) -> MoveReport:
    is_known = _has_rows(session, target)
    digest = _fill_in(session, old_id, target)
    events = [exists().where(LearningEvent.student_id == id_) for id_ in (old_id, target)]
    both_have_events = bool(session.scalar(select(and_(*events))))
    session.execute(delete(OverallRisk).where(OverallRisk.student_id == old_id))
    moved = move_rows(session, MOVED, "student_id", old_id, target)
    conflicts = merge_enrolments(session, old_id, target)
    conflicts |= _merge_rollups(session, old_id, target, must_rebuild=both_have_events)
    conflicts["dropout_predictions"] = merge_latest(session, old_id, target)
    conflicts["drawn_places"] = _drop_second_draws(session, old_id, target)
    moved |= move_rows(session, _RESOLVED_TABLES, "student_id", old_id, target)
    mark_overall(session, [target])
    session.execute(update(Alias).where(Alias.new_id == old_id).values(new_id=target))
    session.execute(delete(Student).where(Student.id == old_id))
    session.add(Alias(old_id=old_id, new_id=target, merged_at=now, digest=digest))
    conflicts["students"] = int(is_known)
    recomputed = _mark_incomplete(session, target, moved)
    keep_overall_risks(session, [target])
    for model in ROLLUPS if both_have_events else ():
        recomputed[model.__tablename__] = _count(session, model, target)
    return MoveReport(target, moved, conflicts, recomputed)


def _fill_in(session: Session, old_id: str, target: str) -> bytes | None:
    """Give the student the name and e-mail of the old id where they are absent.

    Returns the digest of those of the old id, None if they are unknown.
    """
    old, student = session.get_one(Student, old_id), session.get_one(Student, target)
    known = {"name": old.name, "email": old.email}
    student.name = student.name or old.name
    student.email = student.email or old.email
    if student.digest is None and old.digest is not None:
        student.digest = content_digest({"name": student.name, "email": student.email})
    session.flush()
    session.expunge(old)
    return None if old.digest is None else content_digest(known)


def _merge_rollups(
    session: Session, old_id: str, target: str, *, must_rebuild: bool
) -> dict[str, int]:
    """Compute the rollups again if both ids have events, which depend on their neighbours.

    Otherwise the caller moves them. Returns the rows of both ids in the same place, by table.
    """
    conflicts = {
        model.__tablename__: len(shared_keys(session, key, model.student_id, [old_id, target]))
        for model, key in ROLLUPS.items()
    }
    if must_rebuild:
        for model in ROLLUPS:
            session.execute(delete(model).where(model.student_id.in_([old_id, target])))
        rebuild_days_of(session, [target])
    return conflicts


def _drop_second_draws(session: Session, old_id: str, target: str) -> int:
    """Delete the old id's positions in draws in which both ids were; return their number."""
    key = (DrawnPlace.course, DrawnPlace.week)
    shared = shared_keys(session, key, DrawnPlace.student_id, [old_id, target])
    if shared:
        is_shared = tuple_(*key).in_(shared)
        session.execute(delete(DrawnPlace).where(DrawnPlace.student_id == old_id, is_shared))
    return len(shared)


def _mark_incomplete(session: Session, student_id: str, moved: dict[str, int]) -> dict[str, int]:
    """Have the latest predictions and features recomputed: they were made from a part of the rows.

    Results that were computed elsewhere stay. Returns the number by table.
    """
    prediction = DropoutPrediction
    is_computed = prediction.base_log_odds.is_not(None) | prediction.version.startswith(RULES)
    is_theirs = (prediction.student_id == student_id) & prediction.is_latest
    in_course = func.coalesce(FeatureSet.course, "")
    latest_first = (FeatureSet.as_of.desc(), FeatureSet.id.desc())
    place = func.row_number().over(partition_by=in_course, order_by=latest_first)
    placed = select(FeatureSet.id, place.label("place")).where(
        FeatureSet.student_id == student_id, FeatureSet.recomputed_at.is_(None)
    )
    sets = placed.subquery()
    is_latest = FeatureSet.id.in_(select(sets.c.id).where(sets.c.place == 1))
    wanted: dict[Any, Any] = {
        prediction: is_theirs & is_computed,
        FeatureSet: is_latest & (FeatureSet.version == FEATURES_VERSION),
    }
    rows = max(1, moved["learning_events"] + moved["assessments"])
    mark = {"pending_rows": rows, "pending_on": socket.gethostname(), "recomputed_at": None}
    return {
        model.__tablename__: row_count(
            session.execute(
                update(model).where(condition).values(mark),
                execution_options={"synchronize_session": False},
            )
        )
        for model, condition in wanted.items()
    }


def _has_rows(session: Session, student_id: str) -> bool:
    tables = owned_tables(Base.metadata, "student_id")
    return any(
        session.scalar(select(exists().where(table.c.student_id == student_id))) for table in tables
    )


def _count(session: Session, model: Any, student_id: str) -> int:
    return session.scalar(select(func.count()).where(model.student_id == student_id)) or 0
