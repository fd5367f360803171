"""Students joined with the dropout risk that the dropout service publishes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from shared_db.queries.pagination import Keyset
from staffstuddash_service.domain.performance_status import NOT_ASSESSED
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.models import PerformanceRecord, Student, is_restricted
from staffstuddash_service.models.published import published_risk

RISK_COLUMNS = (
    published_risk.c.risk_score,
    published_risk.c.risk_level,
    published_risk.c.dropout_type,
    published_risk.c.as_of,
    published_risk.c.course,
)
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
    """Overall dropout prediction of a student, as the dropout service publishes it.

    course: of the enrolment at risk; None for the student altogether.
    """

    score: float
    level: str
    dropout_type: str
    as_of: datetime
    course: str | None


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


def students(*, with_risk: bool, beyond: Beyond | None = None) -> AnyQuery:
    """Return the query of all students with their records and, if asked for, their risks.

    beyond: condition on the ids of the students. It is repeated for each joined table: PostgreSQL
    does not infer it, and a merge join would read the other tables from their beginning.
    """

    def same(student_id: Any) -> ColumnElement[bool]:
        is_theirs: ColumnElement[bool] = student_id == PerformanceRecord.student_id
        return and_(is_theirs, beyond(student_id)) if beyond else is_theirs

    query: AnyQuery = select(*SHOWN, IS_RESTRICTED).join_from(
        PerformanceRecord, Student, same(Student.id)
    )
    if not with_risk:
        return query
    risk = same(published_risk.c.student_id)
    return query.outerjoin(published_risk, risk).add_columns(*RISK_COLUMNS)


def rows_by_risk(
    session: Session, order: Order, wanted: Sequence[Any], *, after: str | None, limit: int
) -> tuple[Sequence[Any], str | None]:
    """Return students sorted by risk, those without one last, and the next cursor.

    Sorting the join would sort all students. Students with a risk are read from its index; students
    without one follow by id, and are read only to fill the page.

    Raises:
        MalformedCursor: the cursor is not one of this list.

    """
    name, is_descending = f"dashboard by {order}", order.is_descending
    risk = published_risk.c
    known = Keyset(name, (risk.risk_score, risk.student_id), is_descending)
    seen = known.decode(after) if after is not None else None
    listed = _listed(wanted, seen, limit + 1, is_descending=is_descending)
    *shown, place, student_id = listed.c
    keyset = Keyset(name, (place, student_id), is_descending)
    return keyset.rows(session, select(*shown), after=after, limit=limit)


def _listed(
    wanted: Sequence[Any], seen: Sequence[Any] | None, limit: int, *, is_descending: bool
) -> Subquery:
    first = _with_risk(wanted, seen, is_descending=is_descending).limit(limit).cte("with_risk")
    is_full = select(func.count()).select_from(first).scalar_subquery() >= limit
    without = _without_risk(wanted, seen, is_descending=is_descending)
    then = without.where(~is_full).limit(limit).subquery("without_risk")
    return union_all(select(first), select(then)).subquery("listed")


def _with_risk(
    wanted: Sequence[Any], seen: Sequence[Any] | None, *, is_descending: bool
) -> AnyQuery:
    place = (published_risk.c.risk_score, published_risk.c.student_id)
    query = (
        students(with_risk=True)
        # Makes the outer join an inner one, so that the plan can start from the risks.
        .where(published_risk.c.risk_score.is_not(None), *wanted)
        .add_columns(place[0].label("place"), place[1].label("place_id"))
        .order_by(*(column.desc() if is_descending else column for column in place))
    )
    if seen is None:
        return query
    after = tuple_(*seen)
    return query.where(tuple_(*place) < after if is_descending else tuple_(*place) > after)


def _without_risk(
    wanted: Sequence[Any], seen: Sequence[Any] | None, *, is_descending: bool
) -> AnyQuery:
    none = _NONE_IS_LOW if is_descending else _NONE_IS_HIGH
    own_id = PerformanceRecord.student_id
    beyond = None
    if seen is not None and seen[0] == none:
        beyond = beyond_id(seen[1], is_descending=is_descending)
    query = (
        students(with_risk=True, beyond=beyond)
        .where(published_risk.c.student_id.is_(null()), *wanted)
        .add_columns(literal(none).label("place"), own_id.label("place_id"))
        .order_by(own_id.desc() if is_descending else own_id)
    )
    return query.where(beyond(own_id)) if beyond else query
