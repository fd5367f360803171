"""Earlier predictions of students: the last one of each ISO week."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.domain.weeks import monday_of
from dropout_service.models import DropoutPrediction

_ROW = DropoutPrediction
MAX_WEEKS = 26


def earlier_weeks(
    session: Session, present: Sequence[DropoutPrediction], weeks: int
) -> Mapping[str, list[Any]]:
    """Return the last prediction of each of the weeks before the present ones, the latest first.

    By the id of the present prediction. An earlier prediction is about the same course.
    """
    if not present or not weeks:
        return {}
    since = min(monday_of(row.as_of) for row in present) - timedelta(weeks=weeks)
    query = (
        select(
            _ROW.student_id,
            _ROW.course,
            _ROW.is_class,
            _ROW.as_of,
            _ROW.course_rank,
            _ROW.course_ranked,
            _ROW.version,
        )
        .where(
            _ROW.student_id.in_({row.student_id for row in present}),
            _ROW.as_of >= datetime.fromisoformat(f"{since}T00:00:00+00:00"),
            _ROW.recomputed_at.is_(None),
        )
        .order_by(_ROW.student_id, _ROW.as_of.desc(), _ROW.id.desc())
    )
    rows: dict[tuple[str, str | None, bool], list[Any]] = defaultdict(list)
    for row in session.execute(query):
        rows[row.student_id, row.course, row.is_class].append(row)
    return {
        row.id: _before(row.as_of, rows[row.student_id, row.course, row.is_class], weeks)
        for row in present
    }


def _before(as_of: datetime, rows: Sequence[Any], weeks: int) -> list[Any]:
    """Return the first of the rows in each of the weeks before; the rows are the latest first."""
    last, found = monday_of(as_of), dict[date, Any]()
    for row in rows:
        week = monday_of(row.as_of)
        if last - timedelta(weeks=weeks) <= week < last:
            found.setdefault(week, row)
    return list(found.values())
