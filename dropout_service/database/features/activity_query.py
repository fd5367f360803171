"""Counts behind the features of a student or a cohort, in one SQL statement."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from dropout_service.database.events.daily_query import COLUMNS, day_totals
from dropout_service.database.events.inserted import course_of
from dropout_service.database.features.class_periods import (
    CLASS,
    class_periods,
    days_in_periods,
    is_in_period,
    moved_forward,
    subjects_of_class,
    utc_day,
)
from dropout_service.domain.rules.activity import (
    BEFORE_DAYS,
    RECENT_DAYS,
    RECENT_MARKS,
    RHYTHM_DAYS,
    Activity,
    epoch_day,
)
from dropout_service.models import DailyActivity, KnownAssessment, KnownStudent, LearningEvent
from shared_db.columns import UtcDateTime
from shared_db.queries.dialects import in_list

# Columns of the rollup that are summed over the recent days and over the days before them.
_IN_WINDOWS = {
    "events": "events",
    "submissions": "submissions",
    "graded": "graded",
    "correct": "correct",
    "judged": "judged",
    "solved": "questions_solved",
    "hints": "hints",
    "sessions": "sessions",
    "session_seconds": "session_seconds",
}

AS_OF = bindparam("as_of", type_=UtcDateTime())
TODAY = bindparam("today", type_=Integer())
_FIELDS = tuple(name for name in Activity.__dataclass_fields__ if name != "as_of")
_NULLABLE = {name for name, field in Activity.__dataclass_fields__.items() if field.default is None}


def activity_of(
    session: Session,
    students: Select[str],
    as_of: datetime,
    *,
    in_class: bool = False,
    **parameters: object,
) -> dict[str, Activity]:
    """Return the activity up to `as_of` of the selected students, by id.

    Whole days come from the rollup, the day of `as_of` from its events up to that instant.
    students: a query that is a module's constant, as its statement is cached. parameters: of it.
    in_class: only the activity in the class `course` while enrolled in it, a parameter; PostgreSQL
    only. Days outside of the enrolments are left out of the time: it goes on with the next one.
    """
    values = {"as_of": as_of, "today": epoch_day(as_of), **parameters}
    rows = session.execute(activity_statement(students, in_class=in_class), values).mappings()
    return {
        row["id"]: Activity(as_of=as_of, **{name: row[name] for name in _FIELDS}) for row in rows
    }


@cache
def activity_statement(
    students: Select[str], *, in_class: bool = False
) -> Select[*tuple[Any, ...]]:
    """Return the statement: one row per selected student, its columns the fields of `Activity`.

    Cached, because building it takes longer than running it for one student.
    """
    scope = select(students.subquery("student").c[0].label("id")).cte("scope")
    periods = class_periods(scope, TODAY) if in_class else None
    events = _event_counts(scope, periods)
    marks = _mark_counts(scope, periods)
    counted = [
        column if column.key in _NULLABLE else func.coalesce(column, 0).label(column.key)
        for part in (events, marks)
        for column in part.columns
        if column.key != "student_id"
    ]
    return (
        select(scope.c.id, *counted)
        .outerjoin(events, events.c.student_id == scope.c.id)
        .outerjoin(marks, marks.c.student_id == scope.c.id)
        .order_by(scope.c.id)
    )


@cache
def given_students(dialect: str) -> Select[str]:
    """Return the query of the students of the parameter `ids`."""
    return select(KnownStudent.id).where(in_list(KnownStudent.id, "ids", dialect))


def _days(scope: CTE, periods: CTE | None) -> Subquery:
    """Return the rows of the rollup as they were at `as_of`; of a class, those of its periods."""
    chosen = select(scope.c.id)
    event = LearningEvent
    is_whole = (DailyActivity.day < TODAY) & DailyActivity.student_id.in_(chosen)
    is_part = (event.day == TODAY) & (event.occurred_at <= AS_OF) & event.student_id.in_(chosen)
    if periods is not None:
        is_part &= course_of(event) == CLASS
        return days_in_periods(periods, is_whole, day_totals(is_part))
    whole = select(*(getattr(DailyActivity, name) for name in COLUMNS)).where(is_whole)
    part = day_totals(is_part)
    return union_all(whole, select(*(part.c[name] for name in COLUMNS))).subquery("known_day")


def _event_counts(scope: CTE, periods: CTE | None) -> Subquery:
    known = _days(scope, periods)
    before = func.lag(known.c.day).over(
        partition_by=known.c.student_id, order_by=(known.c.day, known.c.course)
    )
    solved_day = case((known.c.questions_solved > 0, known.c.day))
    last_solved = func.max(solved_day).over(partition_by=known.c.student_id)
    day = select(
        *known.columns,
        before.label("previous_day"),
        last_solved.label("last_solved_day"),
        _judged(known).label("judged"),
    ).subquery("day")
    age = TODAY - day.c.day
    windows = {
        "recent": age < RECENT_DAYS,
        "before": (age >= RECENT_DAYS) & (age < RECENT_DAYS + BEFORE_DAYS),
    }
    return (
        select(
            day.c.student_id,
            func.min(day.c.first_at).label("first_event_at"),
            func.max(day.c.last_at).label("last_event_at"),
            *_counts_in_windows(day, windows),
            *_counts_of_answers(day),
            *_gaps(day, {**windows, "rhythm": age < RHYTHM_DAYS}),
        )
        .group_by(day.c.student_id)
        .subquery("activity")
    )


def _judged(known: Subquery) -> ColumnElement[int]:
    """Return the submissions of a day that certainly name their question and are graded."""
    fewest = known.c.graded + known.c.answers - known.c.submissions
    return case((fewest > 0, fewest), else_=0)


def _counts_in_windows(
    day: Subquery, windows: dict[str, ColumnElement[bool]]
) -> list[ColumnElement[Any]]:
    # Several courses on one day are one active day.
    is_new_day = or_(day.c.previous_day.is_(None), day.c.previous_day < day.c.day)
    counts = [
        func.sum(day.c[column]).filter(fits).label(f"{name}_{window}")
        for name, column in _IN_WINDOWS.items()
        for window, fits in windows.items()
    ]
    active = [
        func.count().filter(fits & is_new_day).label(f"active_days_{window}")
        for window, fits in windows.items()
    ]
    return [*counts, *active]


def _counts_of_answers(day: Subquery) -> list[ColumnElement[Any]]:
    has_submission = day.c.submissions > 0
    is_plateau = or_(day.c.last_solved_day.is_(None), day.c.day > day.c.last_solved_day)
    return [
        func.sum(day.c.submissions).label("submissions"),
        func.sum(day.c.judged).label("judged"),
        func.sum(day.c.submissions).filter(is_plateau).label("submissions_plateau"),
        func.sum(day.c.judged).filter(is_plateau).label("judged_plateau"),
        func.sum(day.c.answers).label("answers"),
        func.sum(day.c.questions_new).label("questions_attempted"),
        func.sum(day.c.questions_solved).label("questions_solved"),
        func.sum(day.c.compared).label("compared"),
        func.sum(day.c.kept).label("kept"),
        func.max(day.c.last_solved_day).label("last_new_solution_day"),
        func.min(day.c.day).filter(has_submission).label("first_submission_day"),
        func.max(day.c.day).filter(has_submission).label("last_submission_day"),
    ]


def _gaps(day: Subquery, windows: dict[str, ColumnElement[bool]]) -> list[ColumnElement[Any]]:
    gap = day.c.day - day.c.previous_day
    ends = day.c.previous_day < day.c.day
    return [
        *(func.count().filter(fits & ends).label(f"gaps_{w}") for w, fits in windows.items()),
        *(func.sum(gap).filter(fits & ends).label(f"gap_days_{w}") for w, fits in windows.items()),
        func.sum(gap * gap).filter(windows["rhythm"] & ends).label("gap_squares_rhythm"),
        func.max(gap).filter(windows["rhythm"] & ends).label("longest_gap_rhythm"),
    ]


def _mark_counts(scope: CTE, periods: CTE | None) -> Subquery:
    known = KnownAssessment
    place = func.row_number().over(
        partition_by=known.student_id, order_by=(known.submitted_at.desc(), known.id.desc())
    )
    at: Any = known.submitted_at if periods is None else moved_forward(periods, known.submitted_at)
    share = known.score / known.max_score
    marks = (
        select(
            known.student_id,
            at.label("submitted_at"),
            share.label("share"),
            place.label("place"),
        )
        .select_from(known)
        .where(known.submitted_at <= AS_OF, known.student_id.in_(select(scope.c.id)))
    )
    if periods is not None:
        in_period = is_in_period(periods, known.student_id, utc_day(known.submitted_at))
        marks = marks.join(periods, in_period).where(known.subject.in_(subjects_of_class()))
    mark = marks.subquery("mark")
    is_recent = mark.c.place <= RECENT_MARKS
    return (
        select(
            mark.c.student_id,
            func.count().label("marks"),
            func.min(mark.c.submitted_at).label("first_mark_at"),
            func.max(mark.c.submitted_at).label("last_mark_at"),
            func.avg(mark.c.share).filter(is_recent).label("mark_share_recent"),
            func.avg(mark.c.share).filter(~is_recent).label("mark_share_before"),
        )
        .group_by(mark.c.student_id)
        .subquery("marks")
    )
