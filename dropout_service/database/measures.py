"""State of the data for metrics: ages of the last rows of courses, and the active model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import FromClause, column, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dropout_service.database.courses.store import search_course_rows
from dropout_service.domain.freshness import DataKind
from dropout_service.models import Assessment, DailyActivity, DropoutPrediction, LearnedModel
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.queries.arrays import array_rows
from shared_db.repository import Repository

MAX_COURSES = 200
# Beyond this number courses are not looked at.
_MOST_READ = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ModelInUse:
    """Active model: when it was learned, and since when it predicts."""

    version: str
    created_at: datetime
    activated_at: datetime | None


@dataclass(frozen=True)
class Measures:
    """State of the data at an instant.

    ages: seconds since the last row by course and kind, of at most `MAX_COURSES` courses. others:
    those of the last rows of all further courses together.
    """

    model: ModelInUse | None
    ages: Mapping[str, Mapping[DataKind, float]]
    others: Mapping[DataKind, float]
    further_courses: int


class MeasureRepository(Repository):
    """State of the data, read at little cost: one look into an index for each course and kind."""

    def read_measures(self) -> Measures:
        """Return the state of the courses that are not over, and of the active model.

        Of events only the day is known: their age counts from its end (UTC), so it is 0 today.
        """
        now = utc_now()

        def read(session: Session) -> Measures:
            page = search_course_rows(
                session, with_over=False, limit=_MOST_READ, is_memory=self.use_fallback
            )
            ages = _ages(
                session, [course.id for course in page.items], now, is_memory=self.use_fallback
            )
            listed = dict(list(ages.items())[:MAX_COURSES])
            further = [ages[id_] for id_ in ages if id_ not in listed]
            return Measures(_model(session), listed, _youngest(further), len(further))

        return self.read_snapshot(read)


def _model(session: Session) -> ModelInUse | None:
    row = LearnedModel
    found = session.execute(
        select(row.id, row.created_at, row.activated_at).where(row.is_active)
    ).one_or_none()
    return None if found is None else ModelInUse(*found)


def _ages(
    session: Session, courses: Sequence[str], now: datetime, *, is_memory: bool
) -> dict[str, dict[DataKind, float]]:
    if not courses:
        return {}
    listed = _listed(courses, is_memory=is_memory)

    def last(course: InstrumentedAttribute[Any], at: InstrumentedAttribute[Any]) -> Any:
        return select(func.max(at)).where(course == listed.c.value).scalar_subquery()

    query = select(
        listed.c.value,
        last(DailyActivity.course, DailyActivity.day),
        last(Assessment.course, Assessment.submitted_at),
        last(DropoutPrediction.course, DropoutPrediction.as_of),
    )
    found = {}
    for id_, day, marked_at, predicted_at in session.execute(query, {"value": courses}):
        ends_at = None if day is None else _EPOCH + timedelta(days=day + 1)
        instants = {
            DataKind.EVENTS: ends_at,
            DataKind.MARKS: marked_at,
            DataKind.PREDICTIONS: predicted_at,
        }
        found[id_] = {
            kind: max(0.0, (now - at).total_seconds()) for kind, at in instants.items() if at
        }
    return found


def _listed(courses: Sequence[str], *, is_memory: bool) -> FromClause:
    if is_memory:
        rows = func.json_each(json.dumps(courses))
        return rows.table_valued(column("value", Key), name="asked")
    return array_rows(value=Key)


def _youngest(ages: Sequence[Mapping[DataKind, float]]) -> dict[DataKind, float]:
    kinds = {kind for of_course in ages for kind in of_course}
    return {kind: min(of_course[kind] for of_course in ages if kind in of_course) for kind in kinds}
