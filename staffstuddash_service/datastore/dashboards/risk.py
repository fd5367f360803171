"""Students joined with the dropout risk that the dropout service publishes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from shared_db.queries.pagination import Keyset
from staffstuddash_service.datastore.memberships import students_of_class
from staffstuddash_service.domain.performance_status import NOT_ASSESSED
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.models import PerformanceRecord, Student, is_restricted
from staffstuddash_service.models.published import published_course_risks, published_risk

RISK_NAMES = (
    "risk_score",
    "risk_level",
    "dropout_type",
    "as_of",
    "course",
    "prediction_id",
    "version",
    "course_rank",
    "course_ranked",
)


def risk_columns(source: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of `Risk` in a published view."""
    return tuple(source.c[name] for name in RISK_NAMES)


RISK_COLUMNS = risk_columns(published_risk)
SHOWN = (
    Student.id,
    Student.name,
    PerformanceRecord.mean_percentage,
    PerformanceRecord.trend_per_30_days,
    PerformanceRecord.assessment_count,
    PerformanceRecord.last_submitted_at,
    PerformanceRecord.status,
    PerformanceRecord.status_reasons,
    PerformanceRecord.learning_state,
    PerformanceRecord.grit_level,
    PerformanceRecord.integrity_label,
    PerformanceRecord.sudden_jump_flag,
    PerformanceRecord.last_activity_at,
)
IS_RESTRICTED = is_restricted(PerformanceRecord.student_id).label("is_restricted")
_NONE_IS_LOW, _NONE_IS_HIGH = -1.0, 2.0

AnyQuery = Select[*tuple[Any, ...]]
Beyond = Callable[[Any], ColumnElement[bool]]


def beyond_id(seen: str, *, is_descending: bool) -> Beyond:
    """Return the condition that an id comes after the one seen."""
    return lambda student_id: student_id < seen if is_descending else student_id > seen


@dataclass(frozen=True)
class Risk:
    """Dropout prediction of a student, overall or in a course, as the dropout service publishes it.

    course: of the enrolment at risk; None for the student altogether. course_rank: place among
    course_ranked students of the course. Scores of two versions or courses cannot be compared.
    """

    score: float
    level: str
    dropout_type: str
    as_of: datetime
    course: str | None
    prediction_id: str
    version: str
    course_rank: int | None
    course_ranked: int | None


def risk_source(course: str | None) -> FromClause:
    """Return the view of the overall risks, or of those in a course."""
    if course is None:
        return published_risk
    in_course = published_course_risks
    return select(in_course).where(in_course.c.course == course).subquery("course_risk")


def in_course(
    student_id: Any, course: str, risks: FromClause | None, day: date
) -> ColumnElement[bool]:
    """Return the condition that a student has a risk in the course, or is in the class on a day.

    risks: from `risk_source`; None in memory. The risk of a class is that of students in it alone:
    it stays for a while when they have left.
    """
    enrolled = student_id.in_(students_of_class(course, day))
    if risks is None:
        return cast("ColumnElement[bool]", enrolled)
    at_risk = select(risks.c.student_id).where(~risks.c.is_class)
    return or_(enrolled, student_id.in_(at_risk))


def risk_of(
    values: Sequence[Any], *, is_restricted: bool, is_memory: bool
) -> tuple[Risk | None, str | None]:
    """Return the risk from the columns of the view, or None and the reason."""
    if is_restricted:
        return None, NOT_ASSESSED
    if is_memory:
        return None, "not available without PostgreSQL"
    if values[0] is None:
        return None, "no prediction yet"
    return Risk(*values), None


def students(risks: FromClause | None, beyond: Beyond | None = None) -> AnyQuery:
    """Return the query of all students with their records and, if asked for, their risks.

    risks: from `risk_source`. beyond: condition on the ids of the students. It is repeated for each
    joined table: PostgreSQL does not infer it, and a merge join would read the other tables from
    their beginning.
    """

    def same(student_id: Any) -> ColumnElement[bool]:
        is_theirs: ColumnElement[bool] = student_id == PerformanceRecord.student_id
        return and_(is_theirs, beyond(student_id)) if beyond else is_theirs

    query: AnyQuery = select(*SHOWN, IS_RESTRICTED).join_from(
        PerformanceRecord, Student, same(Student.id)
    )
    if risks is None:
        return query
    return query.outerjoin(risks, same(risks.c.student_id)).add_columns(*risk_columns(risks))


def rows_by_risk(
    session: Session,
    order: Order,
    wanted: Sequence[Any],
    risks: FromClause,
    *,
    after: str | None,
    limit: int,
) -> tuple[Sequence[Any], str | None]:
    """Return students sorted by risk, those without one last, and the next cursor.

    Sorting the join would sort all students. Students with a risk are read from its index; students
    without one follow by id, and are read only to fill the page.

    Raises:
        MalformedCursor: the cursor is not one of this list.

    """
    name, is_descending = f"dashboard by {order}", order.is_descending
    known = Keyset(name, (risks.c.risk_score, risks.c.student_id), is_descending)
    seen = known.decode(after) if after is not None else None
    listed = _listed(wanted, risks, seen, limit + 1, is_descending=is_descending)
    *shown, place, student_id = listed.c
    keyset = Keyset(name, (place, student_id), is_descending)
    return keyset.rows(session, select(*shown), after=after, limit=limit)


def _listed(
    wanted: Sequence[Any],
    risks: FromClause,
    seen: Sequence[Any] | None,
    limit: int,
    *,
    is_descending: bool,
) -> Subquery:
    first = (
        _with_risk(wanted, risks, seen, is_descending=is_descending).limit(limit).cte("with_risk")
    )
    is_full = select(func.count()).select_from(first).scalar_subquery() >= limit
    without = _without_risk(wanted, risks, seen, is_descending=is_descending)
    then = without.where(~is_full).limit(limit).subquery("without_risk")
    return union_all(select(first), select(then)).subquery("listed")


def _with_risk(
    wanted: Sequence[Any], risks: FromClause, seen: Sequence[Any] | None, *, is_descending: bool
) -> AnyQuery:
    place = (risks.c.risk_score, risks.c.student_id)
    query = (
        students(risks)
        # Makes the outer join an inner one, so that the plan can start from the risks.
        .where(risks.c.risk_score.is_not(None), *wanted)
        .add_columns(place[0].label("place"), place[1].label("place_id"))
        .order_by(*(column.desc() if is_descending else column for column in place))
    )
    if seen is None:
        return query
    after = tuple_(*seen)
    return query.where(tuple_(*place) < after if is_descending else tuple_(*place) > after)


def _without_risk(
    wanted: Sequence[Any], risks: FromClause, seen: Sequence[Any] | None, *, is_descending: bool
) -> AnyQuery:
    none = _NONE_IS_LOW if is_descending else _NONE_IS_HIGH
    own_id = PerformanceRecord.student_id
    beyond = None
    if seen is not None and seen[0] == none:
        beyond = beyond_id(seen[1], is_descending=is_descending)
    query = (
        students(risks, beyond)
        .where(risks.c.student_id.is_(null()), *wanted)
        .add_columns(literal(none).label("place"), own_id.label("place_id"))
        .order_by(own_id.desc() if is_descending else own_id)
    )
    return query.where(beyond(own_id)) if beyond else query
