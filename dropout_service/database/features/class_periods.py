"""Periods of students in a class of the roster, and its activity in the time of the periods.

A period is a run of days (UTC) on which the student is enrolled, of one or several enrolments. Days
between two periods are left out of the time: earlier events, marks and days move forward by their
number. So ages and gaps count enrolled days, and an absence from the class is no silence.
"""

from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Date,
    Integer,
    Subquery,
    and_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from dropout_service.database.events.daily_query import COLUMNS
from dropout_service.models import DailyActivity, published_classes, published_enrolments
from shared_db.columns import Key, UtcDateTime

CLASS = bindparam("course", type_=Key)

_EPOCH = literal(date(1970, 1, 1), Date())
# Days since 1970-01-01 that no event has.
_EVER_SINCE, _FOR_EVER = -10_000_000, 10_000_000
_INSTANTS = ("first_at", "last_at")


def class_periods(scope: CTE, today: BindParameter[int]) -> CTE:
    """Return the periods in the class by student; `until_day` is the first day after the period.

    away: number of days between the period and `today` on which the student was not enrolled.
    """
    of = published_enrolments.c
    has_begun = or_(of.valid_from.is_(None), _epoch_day(of.valid_from) <= today)
    days = func.unnest(func.range_agg(func.daterange(of.valid_from, of.valid_to))).label("days")
    span = (
        select(of.student_id, days)
        .where(of.class_id == CLASS, of.student_id.in_(select(scope.c.id)), has_begun)
        .group_by(of.student_id)
        .subquery("span")
    )
    period = select(
        span.c.student_id,
        func.coalesce(_epoch_day(func.lower(span.c.days)), _EVER_SINCE).label("from_day"),
        func.coalesce(_epoch_day(func.upper(span.c.days)), _FOR_EVER).label("until_day"),
    ).subquery("period")
    following = func.lead(period.c.from_day).over(
        partition_by=period.c.student_id, order_by=period.c.from_day
    )
    pause = func.coalesce(following - period.c.until_day, 0)
    paused = select(*period.c, pause.label("pause")).subquery("paused")
    away = func.sum(paused.c.pause).over(
        partition_by=paused.c.student_id, order_by=paused.c.from_day.desc()
    )
    return select(
        paused.c.student_id,
        paused.c.from_day,
        paused.c.until_day,
        cast(away, Integer).label("away"),
    ).cte("periods")


def days_in_periods(periods: CTE, is_whole: ColumnElement[bool], part: Subquery) -> Subquery:
    """Return the days of the class within the periods: of the rollup, and of a part of a day."""
    whole = DailyActivity.__table__
    selects = [
        select(*(_in_time(periods, source.c[name]).label(name) for name in COLUMNS))
        .select_from(source)
        .join(periods, is_in_period(periods, source.c.student_id, source.c.day))
        .where(condition)
        for source, condition in (
            (whole, is_whole & (whole.c.course == CLASS)),
            (part, part.c.course == CLASS),
        )
    ]
    return union_all(*selects).subquery("known_day")


def is_in_period(periods: CTE, student_id: Any, day: Any) -> ColumnElement[bool]:
    """Return the condition that a day (days since 1970-01-01) is in a period of the student."""
    return and_(
        periods.c.student_id == student_id, periods.c.from_day <= day, periods.c.until_day > day
    )


def moved_forward(periods: CTE, instant: Any) -> ColumnElement[Any]:
    """Return an instant in a period, moved forward by the days of absence after it."""
    hours = func.make_interval(0, 0, 0, 0, periods.c.away * 24)
    return cast(instant + hours, UtcDateTime())


def utc_day(instant: Any) -> ColumnElement[int]:
    """Return the day (UTC) of an instant, in days since 1970-01-01."""
    return _epoch_day(cast(func.timezone("UTC", instant), Date))


def subjects_of_class() -> Any:
    """Return the query of the subjects of the class."""
    named = func.jsonb_array_elements_text(published_classes.c.subjects)
    return select(named).where(published_classes.c.class_id == CLASS)


def _in_time(periods: CTE, column: Any) -> ColumnElement[Any]:
    if column.key == "day":
        return column + periods.c.away  # type: ignore[no-any-return] # of a column
    return moved_forward(periods, column) if column.key in _INSTANTS else column


def _epoch_day(day: Any) -> ColumnElement[int]:
    return cast(day - _EPOCH, Integer)
