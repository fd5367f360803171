"""Weeks of the models' predictions against the outcomes that are known; PostgreSQL only."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Unpack

from sqlalchemy import Date, Select, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from dropout_service.database.features.class_training import stayed_until_end, stored_classes
from dropout_service.database.features.training_set import stored_by_state
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enrolments.class_calendar import utc_date
from dropout_service.domain.enrolments.finished_classes import StoredClass
from dropout_service.domain.enrolments.outcome_targets import Target, is_labelled
from dropout_service.domain.enrolments.week_quality import MIN_PREDICTIONS, WeekLevel, week_level
from dropout_service.errors import ModelNotFound
from dropout_service.learning.quality.weekly import PredictedRow, week_figures
from dropout_service.models import (
    Course,
    DropoutPrediction,
    Enrolment,
    LearnedModel,
    ModelWeek,
    published_enrolments,
)
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

    def get_latest_judged(self) -> ModelWeek | None:
        """Return the latest week of the active model that has a level; None without any.

        Later weeks are `unknown` until outcomes arrive, and do not end a warning.
        """
        if self.use_fallback:
            return None
        query = (
            select(ModelWeek)
            .join(LearnedModel, LearnedModel.id == ModelWeek.version)
            .where(LearnedModel.is_active, ModelWeek.level != WeekLevel.UNKNOWN)
            .order_by(ModelWeek.week.desc())
            .limit(1)
        )
        return self.read(lambda session: session.scalar(query))

    def refresh(self) -> int:
        """Compute the weeks that are over anew, from the outcomes known by now; return the number.

        Weeks of the last 60 weeks with at least 20 predictions count, each enrolment with its last
        prediction. Courses that the model learned from are left out: it knew their outcomes.
        Classes of the roster count as courses.
        A week whose level becomes `warning` is logged once. Another process that is at it does the
        work; this one then skips it, as in the in-memory store.
        """
        if self.use_fallback:
            return 0
        with turn(self.database, _TURN) as is_own:
            if not is_own:
                return 0
            rows = self._rows(utc_now())
            before = self.write(lambda session: _store(session, rows)) if rows else {}
        for row in rows:
            place = row["version"], row["week"]
            if row["level"] is WeekLevel.WARNING and before.get(place) is not WeekLevel.WARNING:
                logger.warning(
                    "model %s, predictions of the week of %s: %s", *place, "; ".join(row["reasons"])
                )
        return len(rows)

    def _rows(self, now: datetime) -> list[Row]:
        """Return the row of each version and week; courses are read one after another."""
        models = self.read(_models)
        finished = {one.id for one in self.read(partial(stored_by_state, now=now)).finished}
        weeks: dict[tuple[str, date], list[PredictedRow]] = defaultdict(list)
        for course in self.read(partial(_recent_courses, now=now)):
            is_finished = course.id in finished
            for row in self.read(partial(_predictions, course=course.id, now=now)):
                if _is_unseen(models, row.version, course.id):
                    target = models[row.version].target
                    predicted = _predicted(row, course, target, now, is_finished=is_finished)
                    weeks[row.version, row.week].append(predicted)
        for one in self.read(partial(_recent_classes, now=now)):
            for row, in_class in self.read_snapshot(partial(_in_class, one=one, now=now)):
                if _is_unseen(models, row.version, one.id):
                    weeks[row.version, row.week].append(in_class)
        return [
            _row(version, week, rows, models[version].days or [], now)
            for (version, week), rows in sorted(weeks.items())
            if len(rows) >= MIN_PREDICTIONS
        ]


def _models(session: Session) -> dict[str, Any]:
    """Return the target, the training courses and the training days of each model, by version."""
    query = select(
        LearnedModel.id,
        LearnedModel.target,
        LearnedModel.training["courses"].label("courses"),
        LearnedModel.evaluation["days"].label("days"),
    )
    return {row.id: row for row in session.execute(query)}


def _is_unseen(models: Mapping[str, Any], version: str, course: str) -> bool:
    """Return True if the model is known and did not learn from the course."""
    model = models.get(version)
    return model is not None and course not in (model.courses or {})


def _recent_courses(session: Session, now: datetime) -> list[Course]:
    courses = session.scalars(select(Course).order_by(Course.id))
    return [one for one in courses if one.dates.end_of(one.length_days - 1) >= now - HISTORY]


def _predictions(session: Session, course: str, now: datetime) -> Sequence[Any]:
    """Return the last prediction of each enrolment of a course in each week that is over.

    The query reads the predictions by the index of their students; one of all courses would read
    the whole table, which is larger than the time of a statement allows.
    """
    query = _last_of_weeks(session, now).add_columns(Enrolment.outcome, Enrolment.unregistered_day)
    of_enrolment = (Enrolment.course_id == _MADE.course) & (
        Enrolment.student_id == _MADE.student_id
    )
    query = query.join_from(Enrolment, _MADE, of_enrolment)
    return session.execute(query.where(Enrolment.course_id == course, ~_MADE.is_class)).all()


def _last_of_weeks(session: Session, now: datetime) -> Select[*tuple[Any, ...]]:
    """Return the query of the last prediction by a model in each week that is over."""
    today = utc_date(now)
    monday = today - timedelta(days=today.weekday())
    place = (_MADE.version, _WEEK, _MADE.student_id)
    return (
        select(_MADE.version, _WEEK.label("week"), _MADE.as_of, _MADE.risk_score, _MADE.student_id)
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


def _recent_classes(session: Session, now: datetime) -> list[StoredClass]:
    """Return the classes with a term that were not over before the history."""
    oldest = utc_date(now - HISTORY)
    classes = stored_classes(session)
    return [one for one in classes if one.last_day is not None and one.last_day >= oldest]


def _in_class(session: Session, one: StoredClass, now: datetime) -> list[tuple[Any, PredictedRow]]:
    """Return the last predictions of the students of a class, with the outcome as in training."""
    course = one.as_course()
    students = select(published_enrolments.c.student_id)
    query = _last_of_weeks(session, now).where(
        _MADE.student_id.in_(students.where(published_enrolments.c.class_id == one.id)),
        _MADE.course == one.id,
        _MADE.is_class,
    )
    rows = session.execute(query).all()
    if course is None or not rows:
        return []
    stayed = {id_ for _, id_ in stayed_until_end(session, [one.id], utc_date(now))}
    # No model of another target judges classes.
    is_known = one.unfinished_reason(Target.WITHDRAWN, now) is None
    found = []
    for row in rows:
        day, has_left = course.dates.last_completed_day(row.as_of), row.student_id not in stayed
        predicted = PredictedRow(row.risk_score, day, has_left, has_left if is_known else None)
        found.append((row, predicted))
    return found


def _predicted(
    row: Any, course: Course, target: Target, now: datetime, *, is_finished: bool
) -> PredictedRow:
    is_undesired = row.outcome is not None and row.outcome in target.outcomes
    today = course.dates.last_completed_day(now)
    is_gone = row.unregistered_day is not None and row.unregistered_day <= today
    is_known = is_finished and is_labelled(row.outcome, row.unregistered_day)
    return PredictedRow(
        risk=row.risk_score,
        day=course.dates.last_completed_day(row.as_of),
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
