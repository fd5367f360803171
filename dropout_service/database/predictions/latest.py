"""Marks of predictions: the latest of a student in a course, and the overall one of a student."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from dropout_service.database.overall_risks import keep_overall_risks
from dropout_service.domain.rules.risk import RULES
from dropout_service.models import Course, DropoutPrediction, Enrolment
from shared_db.columns import Row

_ROW = DropoutPrediction
_COURSE = func.coalesce(_ROW.course, "")
_NOT_LATEST = {"is_latest": False, "is_overall": False}


def mark_latest(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Mark stored predictions as the latest of their student and course, unless a later one exists.

    A prediction by a model supersedes the student's predictions by rules without a course, but not
    one of a class, which is made from a part of the student's rows.

    rows: of one instant, at most one per student and course; their students must be locked.
    """
    if not rows:
        return
    as_of = rows[0]["as_of"]
    students = sorted({row["student_id"] for row in rows})
    places = [(row["student_id"], row["course"] or "") for row in rows]
    is_same_place = _ROW.student_id.in_(students) & tuple_(_ROW.student_id, _COURSE).in_(places)
    _change(session, is_same_place & _ROW.is_latest & (_ROW.as_of <= as_of), **_NOT_LATEST)
    is_later = or_(_ROW.is_latest, _ROW.obsolete_from > as_of)
    with_later = select(_ROW.student_id, _COURSE).where(is_same_place, is_later)
    is_given = _ROW.id.in_([row["id"] for row in rows])
    becomes_latest = is_given & tuple_(_ROW.student_id, _COURSE).not_in(with_later)
    # Reactivates a prediction that was superseded at this instant and is now made again.
    _change(session, becomes_latest, is_latest=True, obsolete_from=None)
    _supersede_rule_predictions(session, rows)
    mark_overall(session, students)
    keep_overall_risks(session, students, as_of)


def _supersede_rule_predictions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    by_model = sorted(
        {
            row["student_id"]
            for row in rows
            if row["base_log_odds"] is not None and not row["is_class"]
        }
    )
    if by_model:
        is_by_rules = _ROW.course.is_(None) & _ROW.version.startswith(RULES)
        _supersede(session, _ROW.student_id.in_(by_model) & is_by_rules, rows[0]["as_of"])


def withdrawn_with_latest(session: Session, course: Course, as_of: datetime) -> list[str]:
    """Return the students with a latest prediction in the course who withdrew by the instant."""
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
    """Supersede the students' predictions in the course at the instant; they must be locked."""
    _supersede(session, _ROW.student_id.in_(students) & (_ROW.course == course), as_of)
    mark_overall(session, students)
    keep_overall_risks(session, students, as_of)


def replace_incomplete(
    session: Session, pairs: Sequence[tuple[DropoutPrediction, Row | None]], now: datetime
) -> None:
    """Replace incomplete predictions by recomputed ones, which are stored already.

    A recomputed prediction becomes the latest if the incomplete one was. Without a recomputed one,
    because the student is not assessable, the incomplete one only loses its marks.

    pairs: the incomplete and the recomputed prediction, all of one instant; their students must be
    locked.
    """
    _change(session, _ROW.id.in_([old.id for old, _ in pairs]), recomputed_at=now)
    mark_latest(session, [new for old, new in pairs if new is not None and old.is_latest])
    if withdrawn := [old for old, new in pairs if new is None]:
        _change(session, _ROW.id.in_([old.id for old in withdrawn]), **_NOT_LATEST)
        mark_overall(session, sorted({old.student_id for old in withdrawn}))
    as_of = min(old.as_of for old, _ in pairs)
    keep_overall_risks(session, {old.student_id for old, _ in pairs}, as_of)


def merge_latest(session: Session, old_id: str, new_id: str) -> int:
    """Leave one latest prediction of two merged students in each course: the one made last.

    The predictions still have their ids; the caller moves them, then calls `mark_overall`. Returns
    the number of courses in which both had a latest prediction.
    """
    is_of_model = (_ROW.base_log_odds.is_not(None) & ~_ROW.is_class).label("is_of_model")
    query = select(_ROW.id, _ROW.student_id, _COURSE, _ROW.as_of, is_of_model)
    query = query.where(_ROW.student_id.in_([old_id, new_id]), _ROW.is_latest)
    by_course: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        by_course[row[2]].append(row)
    shared = [rows for rows in by_course.values() if len(rows) > 1]
    losers = [min(rows, key=lambda row: (row.as_of, row.student_id == new_id)) for rows in shared]
    _change(session, _ROW.id.in_([row.id for row in losers]), **_NOT_LATEST)
    _change(session, _ROW.student_id == old_id, is_overall=False)
    by_model = [row.as_of for rows in by_course.values() for row in rows if row.is_of_model]
    if by_model:
        is_by_rules = _ROW.course.is_(None) & _ROW.version.startswith(RULES)
        _supersede(session, _ROW.student_id.in_([old_id, new_id]) & is_by_rules, max(by_model))
    return len(shared)


def _supersede(session: Session, which: ColumnElement[bool], as_of: datetime) -> None:
    is_before = _ROW.is_latest & (_ROW.as_of <= as_of)
    _change(session, which & is_before, obsolete_from=as_of, **_NOT_LATEST)


def mark_overall(session: Session, students: Sequence[str]) -> None:
    """Mark the overall prediction among the latest of each student; they must be locked.

    Predictions of a class never count: they are made from a part of the student's rows.
    """
    is_theirs = _ROW.student_id.in_(students)
    query = (
        select(_ROW.id, _ROW.student_id, _ROW.risk_score, _ROW.as_of, Course)
        .outerjoin(Course, Course.id == _ROW.course)
        .where(is_theirs, _ROW.is_latest, ~_ROW.is_class)
    )
    latest: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        latest[row.student_id].append(row)
    highest = [_highest(rows).id for rows in latest.values()]
    # The old mark is removed first: a unique index allows one overall prediction per student.
    _change(session, is_theirs & _ROW.is_overall & _ROW.id.not_in(highest), is_overall=False)
    _change(session, _ROW.id.in_(highest) & _ROW.is_overall.is_(False), is_overall=True)


def _highest(rows: Sequence[Any]) -> Any:
    """Return the student's highest risk among the courses that ran at the latest `as_of`.

    If no course ran then, return the highest of all.
    """
    newest = max(row.as_of for row in rows)
    current = [row for row in rows if not (row.Course and row.Course.dates.is_over_at(newest))]
    return max(current or rows, key=lambda row: (row.risk_score, row.as_of, row.id))


def _change(session: Session, which: ColumnElement[bool], **values: Any) -> None:
    change = update(_ROW).execution_options(synchronize_session=False)
    session.execute(change.where(which).values(**values))
