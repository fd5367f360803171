"""Which prediction is the latest of a student in a course, and which tells their overall risk."""

from collections.abc import Sequence

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

from dropout_service.models import DropoutPrediction

_ROW = DropoutPrediction
_COURSE = func.coalesce(_ROW.course, "")


def put_latest(session: Session, rows: Sequence[DropoutPrediction]) -> None:
    """Make these the latest of their students and courses, where none has a later `as_of`.

    All are of one instant, at most one per student and course; their students must be locked.
    """
    if not rows:
        return
    students = sorted({row.student_id for row in rows})
    places = [(row.student_id, row.course or "") for row in rows]
    of_those = _ROW.student_id.in_(students) & tuple_(_ROW.student_id, _COURSE).in_(places)
    change = update(_ROW).execution_options(synchronize_session=False)
    is_earlier = _ROW.as_of <= rows[0].as_of
    session.execute(
        change.where(of_those, _ROW.is_latest, is_earlier).values(is_latest=False, is_overall=False)
    )
    still = select(_ROW.student_id, _COURSE).where(of_those, _ROW.is_latest)
    ids = _ROW.id.in_([row.id for row in rows])
    session.execute(
        change.where(ids, tuple_(_ROW.student_id, _COURSE).not_in(still)).values(is_latest=True)
    )
    _put_overall(session, students)


def _put_overall(session: Session, students: Sequence[str]) -> None:
    of_students = _ROW.student_id.in_(students)
    order = (_ROW.risk_score.desc(), _ROW.as_of.desc(), _ROW.id.desc())
    place = func.row_number().over(partition_by=_ROW.student_id, order_by=order).label("place")
    ranked = select(_ROW.id, place).where(of_students, _ROW.is_latest).subquery("ranked")
    highest = select(ranked.c.id).where(ranked.c.place == 1)
    change = update(_ROW).execution_options(synchronize_session=False)
    # First down, then up: at no moment may a student have two.
    session.execute(
        change.where(of_students, _ROW.is_overall, _ROW.id.not_in(highest)).values(is_overall=False)
    )
    session.execute(
        change.where(_ROW.id.in_(highest), _ROW.is_overall.is_(False)).values(is_overall=True)
    )
