"""Weeks of the models' predictions against the outcomes that are known; PostgreSQL only."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Unpack

from sqlalchemy import Date, Select, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from dropout_service.database.features.training_set import stored_by_state
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enrolments.class_calendar import utc_date
from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enrolments.outcome_targets import is_labelled
from dropout_service.domain.enrolments.week_quality import MIN_PREDICTIONS, WeekLevel, week_level
from dropout_service.errors import ModelNotFound
from dropout_service.learning.quality.weekly import PredictedRow, week_figures
from dropout_service.models import Course, DropoutPrediction, Enrolment, LearnedModel, ModelWeek
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.retention.turn import turn

logger = logging.getLogger(__name__)

WEEKS = Keyset("model-weeks", (ModelWeek.week,), is_descending=True)
# The longest courses last a year, and outcomes arrive some weeks later.
HISTORY = timedelta(weeks=60)
_TURN = "dropout model weeks"
_ROWS_PER_FETCH = 5000
_MADE = DropoutPrediction
_PLACE = ("version", "week")
_WEEK = cast(func.date_trunc("week", func.timezone("UTC", _MADE.as_of)), Date)


class ModelWeekRepository(Repository):
    """Weeks of predictions by learned models, with the outcomes that are known."""

    def search(self, version: str, **options: Unpack[PageOptions]) -> Page[ModelWeek]:
        """Return a page of the weeks of a model, the latest first.

        Raises:
            ModelNotFound: no model of that version was learned here.

        """

        def require(session: Session) -> None:
            known = select(LearnedModel.id).where(LearnedModel.id == version)
            if session.scalar(known) is None:
                raise ModelNotFound(version)

        query = select(ModelWeek).where(ModelWeek.version == version)
        return self.page(WEEKS, query, require=require, **options)

    def refresh(self) -> int:
        """Compute the weeks that are over anew, from the outcomes known by now; return the number.

        Weeks of the last 60 weeks with at least 20 predictions count, each enrolment with its last
        prediction. Courses that the model learned from are left out: it knew their outcomes.
        A week whose level becomes `warning` is logged once. Another process that is at it does the
        work; this one then skips it, as in the in-memory store.
        """
        if self.use_fallback:
            return 0
        with turn(self.database, _TURN) as is_own:
            if not is_own:
                return 0
            now = utc_now()
            rows = self.read(lambda session: list(_week_rows(session, now)))
            before = self.write(lambda session: _store(session, rows)) if rows else {}
        for row in rows:
            place = row["version"], row["week"]
            if row["level"] is WeekLevel.WARNING and before.get(place) is not WeekLevel.WARNING:
                logger.warning(
                    "model %s, predictions of the week of %s: %s", *place, "; ".join(row["reasons"])
                )
        return len(rows)


def _week_rows(session: Session, now: datetime) -> Iterator[Row]:
    """Yield the row of each week and version."""
    courses = {course.id for course in stored_by_state(session, now).finished}
    models = {
        row.id: row
        for row in session.execute(
            select(
                LearnedModel.id,
                LearnedModel.target,
                LearnedModel.training["courses"].label("courses"),
                LearnedModel.evaluation["days"].label("days"),
            )
        )
    }
    found = session.execute(
        _predictions(session, now), execution_options={"yield_per": _ROWS_PER_FETCH}
    )
    for (version, week), group in groupby(found, key=lambda row: (row.version, row.week)):
        model = models.get(version)
        if model is None:
            continue
        learned = model.courses or {}
        rows = [_predicted(row, courses, model, now) for row in group if row.course not in learned]
        if len(rows) >= MIN_PREDICTIONS:
            yield _row(version, week, rows, model.days or [], now)


def _predictions(session: Session, now: datetime) -> Select[*tuple[Any, ...]]:
    """Return the query of the last prediction of each enrolment in each week that is over."""
    today = utc_date(now)
    monday = today - timedelta(days=today.weekday())
    place = (_MADE.version, _WEEK, _MADE.course, _MADE.student_id)
    return (
        select(
            _MADE.version,
            _WEEK.label("week"),
            _MADE.course,
            _MADE.as_of,
            _MADE.risk_score,
            Enrolment.outcome,
            Enrolment.unregistered_day,
            Course.starts_on,
            Course.length_days,
        )
        .join(Course, Course.id == _MADE.course)
        .join(
            Enrolment,
            (Enrolment.course_id == _MADE.course) & (Enrolment.student_id == _MADE.student_id),
        )
        .where(
            _MADE.base_log_odds.is_not(None),
            _MADE.recomputed_at.is_(None),
            _MADE.as_of >= now - HISTORY,
            monday > _WEEK,
            is_assessed(session, _MADE.student_id),
        )
        .ext(distinct_on(*place))
        .order_by(*place, _MADE.as_of.desc(), _MADE.id.desc())
    )


def _predicted(row: Any, finished: set[str], model: Any, now: datetime) -> PredictedRow:
    dates = CourseDates(row.starts_on, row.length_days)
    is_undesired = row.outcome is not None and row.outcome in model.target.outcomes
    today = dates.last_completed_day(now)
    is_gone = row.unregistered_day is not None and row.unregistered_day <= today
    is_known = row.course in finished and is_labelled(row.outcome, row.unregistered_day)
    return PredictedRow(
        risk=row.risk_score,
        day=dates.last_completed_day(row.as_of),
        left_so_far=is_undesired or is_gone,
        has_left=is_undesired if is_known else None,
    )


def _row(
    version: str,
    week: date,
    rows: Sequence[PredictedRow],
    training_days: Sequence[Mapping[str, Any]],
    now: datetime,
) -> Row:
    figures = week_figures(rows, training_days)
    level, reasons = week_level(figures)
    judged = {"level": level, "reasons": reasons, "computed_at": now}
    return {"version": version, "week": week, **asdict(figures), **judged}


def _store(session: Session, rows: Sequence[Row]) -> dict[tuple[str, date], WeekLevel]:
    """Insert or replace the rows; return the levels before, by version and week."""
    query = select(ModelWeek.version, ModelWeek.week, ModelWeek.level)
    before = {(row.version, row.week): row.level for row in session.execute(query)}
    statement = insert(ModelWeek)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in _PLACE}
    session.execute(
        statement.on_conflict_do_update(index_elements=list(_PLACE), set_=changes), list(rows)
    )
    return before
