"""Which prediction is the latest of a student in a course, and which tells their overall risk."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from dropout_service.domain.rules.risk import RULES
from dropout_service.models import Course, DropoutPrediction, Enrolment

_ROW = DropoutPrediction
_COURSE = func.coalesce(_ROW.course, "")
_NOT_LATEST = {"is_latest": False, "is_overall": False}


def mark_latest(session: Session, rows: Sequence[DropoutPrediction]) -> None:
    """Make these the latest of their students and courses, where nothing later is known.

    What rules said of a student altogether is obsolete where a model judged.

    All are of one instant, at most one per student and course; their students must be locked.
    """
    if not rows:
        return
    as_of = rows[0].as_of
    students = sorted({row.student_id for row in rows})
    places = [(row.student_id, row.course or "") for row in rows]
    of_those = _ROW.student_id.in_(students) & tuple_(_ROW.student_id, _COURSE).in_(places)
    _change(session, of_those & _ROW.is_latest & (_ROW.as_of <= as_of), **_NOT_LATEST)
    is_later = or_(_ROW.is_latest, _ROW.obsolete_from > as_of)
    still = select(_ROW.student_id, _COURSE).where(of_those, is_later)
    is_one = _ROW.id.in_([row.id for row in rows])
    tells = is_one & tuple_(_ROW.student_id, _COURSE).not_in(still)
    # What was obsolete as of this instant, and is predicted again, tells again.
    _change(session, tells, is_latest=True, obsolete_from=None)
    _let_models_speak(session, rows)
    _put_overall(session, students)


def _let_models_speak(session: Session, rows: Sequence[DropoutPrediction]) -> None:
    judged = sorted({row.student_id for row in rows if row.base_log_odds is not None})
    if judged:
        is_by_rules = _ROW.course.is_(None) & _ROW.version.startswith(RULES)
        of_those = _ROW.student_id.in_(judged) & is_by_rules
        _make_obsolete(session, of_those, rows[0].as_of)


def withdrawn_with_latest(session: Session, course: Course, as_of: datetime) -> list[str]:
    """Return who has a latest prediction in the course, and had left it by the instant."""
    query = (
        select(_ROW.student_id)
        .join(Enrolment, Enrolment.student_id == _ROW.student_id)
        .where(
            _ROW.course == course.id,
            _ROW.is_latest,
            _ROW.as_of <= as_of,
            Enrolment.course_id == course.id,
            Enrolment.unregistered_day <= course.dates.last_completed_day(as_of),
        )
    )
    return list(session.scalars(query.order_by(_ROW.student_id)))


def supersede(session: Session, course: str, students: Sequence[str], as_of: datetime) -> None:
    """Make what was predicted of these in the course obsolete; they must be locked."""
    of_those = _ROW.student_id.in_(students) & (_ROW.course == course)
    _make_obsolete(session, of_those, as_of)
    _put_overall(session, students)


def put_in_place(
    session: Session,
    pairs: Sequence[tuple[DropoutPrediction, DropoutPrediction | None]],
    now: datetime,
) -> None:
    """Let each new prediction, which is stored, tell what the old one told.

    Without a new one nothing is told. All are of one instant; their students must be locked.
    """
    _change(session, _ROW.id.in_([old.id for old, _ in pairs]), recomputed_at=now)
    mark_latest(session, [new for old, new in pairs if new is not None and old.is_latest])
    if vain := [old for old, new in pairs if new is None]:
        _change(session, _ROW.id.in_([old.id for old in vain]), **_NOT_LATEST)
        _put_overall(session, sorted({old.student_id for old in vain}))


def _make_obsolete(session: Session, which: ColumnElement[bool], as_of: datetime) -> None:
    is_before = _ROW.is_latest & (_ROW.as_of <= as_of)
    _change(session, which & is_before, obsolete_from=as_of, **_NOT_LATEST)


def _put_overall(session: Session, students: Sequence[str]) -> None:
    of_students = _ROW.student_id.in_(students)
    query = (
        select(_ROW.id, _ROW.student_id, _ROW.risk_score, _ROW.as_of, Course)
        .outerjoin(Course, Course.id == _ROW.course)
        .where(of_students, _ROW.is_latest)
    )
    latest: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        latest[row.student_id].append(row)
    highest = [_highest(rows).id for rows in latest.values()]
    # First down, then up: at no moment may a student have two.
    _change(session, of_students & _ROW.is_overall & _ROW.id.not_in(highest), is_overall=False)
    _change(session, _ROW.id.in_(highest) & _ROW.is_overall.is_(False), is_overall=True)


def _highest(rows: Sequence[Any]) -> Any:
    """Return the highest risk of a student, of courses that were not over when last looked at."""
    newest = max(row.as_of for row in rows)
    current = [row for row in rows if not (row.Course and row.Course.dates.is_over_at(newest))]
    return max(current or rows, key=lambda row: (row.risk_score, row.as_of, row.id))


def _change(session: Session, which: ColumnElement[bool], **values: Any) -> None:
    change = update(_ROW).execution_options(synchronize_session=False)
    session.execute(change.where(which).values(**values))
