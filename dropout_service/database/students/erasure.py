"""Erasure of the rows of a student, with a tombstone; no repository."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import (
    insert_students,
    missing_students,
    tombstones,
)
from dropout_service.models import (
    Alias,
    Assessment,
    DailyActivity,
    Deletion,
    DrawnPlace,
    DropoutPrediction,
    Enrolment,
    EnrolmentBackground,
    FeatureSet,
    LearningEvent,
    MarkCorrection,
    OverallRisk,
    PredictionFeedback,
    ReadSubject,
    ResourceUse,
    Student,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.pseudonyms import equivalent_ids, pseudonym_of

# Students of one call of `erase_deleted`.
ERASURE_BATCH = 100
OWNED = (
    DropoutPrediction,
    OverallRisk,
    DrawnPlace,
    FeatureSet,
    Assessment,
    MarkCorrection,
    DailyActivity,
    ResourceUse,
    LearningEvent,
    Enrolment,
    ReadSubject,
)


def lock_erased(session: Session) -> Sequence[str]:
    """Lock and return students with a tombstone, except those that another process locks."""
    tombstone = tombstones(session)
    query = select(Student.id).where(Student.pseudonym.in_(select(tombstone.c.pseudonym)))
    locked = query.with_for_update(skip_locked=True)
    return session.scalars(locked.order_by(Student.id).limit(ERASURE_BATCH)).all()


def lock_to_erase(session: Session, ids: Sequence[str]) -> int:
    """Lock students, of whom absent ones are inserted; return the number inserted.

    Without a row of its own, this transaction would not wait for another one that is storing the
    first rows of the student. Those could be committed in the middle of the erasure.
    """
    absent = sorted(missing_students(session, ids))
    inserted = insert_students(session, dict.fromkeys(absent, utc_now()))
    query = select(Student.id).where(Student.id.in_(ids)).order_by(Student.id)
    session.execute(query.with_for_update())
    return inserted


def ids_of_student(session: Session, student_id: str) -> list[str]:
    """Return all ids of a student, sorted: also former ones, each in its Unicode forms."""
    forms = equivalent_ids(student_id)
    present = select(Alias.new_id).where(Alias.old_id.in_(forms))
    is_theirs = or_(Alias.new_id.in_(forms), Alias.new_id.in_(present))
    aliases = session.execute(select(Alias.old_id, Alias.new_id).where(is_theirs))
    ids = {id_ for pair in aliases for id_ in pair}.union(forms)
    return sorted({form for id_ in ids for form in equivalent_ids(id_)})


def insert_tombstone(session: Session, student_id: str) -> None:
    """Insert a tombstone, so that later rows of the student are rejected."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Deletion).on_conflict_do_nothing(index_elements=["pseudonym"])
    tombstone = {"pseudonym": pseudonym_of(student_id), "deleted_at": utc_now()}
    session.execute(insert, [tombstone])


def delete_rows(session: Session, student_id: str) -> dict[str, int]:
    """Delete all rows of a student; return their number by table."""
    own = select(DropoutPrediction.id).where(DropoutPrediction.student_id == student_id)
    enrolments = select(Enrolment.id).where(Enrolment.student_id == student_id)
    statements: dict[str, Any] = {
        "prediction_feedback": delete(PredictionFeedback).where(
            PredictionFeedback.prediction_id.in_(own)
        ),
    }
    for part in (Submission, EnrolmentBackground):
        is_own = part.enrolment_id.in_(enrolments)
        statements[part.__tablename__] = delete(part).where(is_own)
    for model in OWNED:
        statements[model.__tablename__] = delete(model).where(model.student_id == student_id)
    statements["aliases"] = delete(Alias).where(Alias.new_id == student_id)
    statements["students"] = delete(Student).where(Student.id == student_id)
    options = {"synchronize_session": False}
    return {
        table: session.connection().execute(statement, execution_options=options).rowcount
        for table, statement in statements.items()
    }
