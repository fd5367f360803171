"""Teacher's dashboard: a row for each student in any order, each page one query on an index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Float, FromClause, func, literal
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import UtcDateTime
from shared_db.errors import NeedsPostgresql
from shared_db.queries.dialects import Column
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from staffstuddash_service.datastore.dashboards.last_actions import (
    NO_DEEDS,
    Deeds,
    LastAction,
    deeds_of,
)
from staffstuddash_service.datastore.dashboards.risk import (
    RISK_NAMES,
    SHOWN,
    AnyQuery,
    Risk,
    beyond_id,
    in_course,
    risk_of,
    risk_source,
    rows_by_risk,
    students,
)
from staffstuddash_service.datastore.memberships import EVERYBODY, Members
from staffstuddash_service.datastore.performance import RECORD_FIELDS
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.domain.sort_keys import sort_key
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.models import PerformanceRecord, Student

RISK_FIELDS = ("risk_score", "risk_level")
_COLUMNS: dict[str, Any] = {name: getattr(PerformanceRecord, name) for name in RECORD_FIELDS}

_LONG_AGO, _FAR_AHEAD = datetime(1800, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _mean_or(value: int) -> Column:
    return func.coalesce(PerformanceRecord.mean_percentage, value, type_=Float)


def _active_or(value: datetime) -> Column:
    moment = literal(value, UtcDateTime())
    return func.coalesce(PerformanceRecord.last_activity_at, moment, type_=UtcDateTime())


# Each order has its index. Students without a value get a place beyond all values.
_PLACES: dict[Order, tuple[Column, ...]] = {
    Order.STUDENT_ID: (PerformanceRecord.student_id,),
    Order.NAME: (Student.sort_key, Student.id),
    Order.NAME_BACKWARDS: (Student.sort_key, Student.id),
    Order.LOWEST_MEAN: (_mean_or(1000), PerformanceRecord.student_id),
    Order.HIGHEST_MEAN: (_mean_or(-1), PerformanceRecord.student_id),
    Order.LONGEST_SILENT: (_active_or(_FAR_AHEAD), PerformanceRecord.student_id),
    Order.LATEST_ACTIVE: (_active_or(_LONG_AGO), PerformanceRecord.student_id),
}


@dataclass(frozen=True)
class DashboardRow:
    """Student on the teacher's dashboard; without a risk, `risk_missing_because` is the reason."""

    student_id: str
    name: str
    mean_percentage: float | None
    trend_per_30_days: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    status: Status | None
    status_reasons: list[str]
    learning_state: LearningState | None
    grit_level: float | None
    integrity_label: IntegrityLabel | None
    sudden_jump_flag: bool | None
    last_activity_at: datetime | None
    risk: Risk | None
    risk_missing_because: str | None
    last_action: LastAction | None = None
    planned_count: int = 0


class TeacherDashboardRepository(Repository):
    """Teacher's dashboard."""

    def search(
        self,
        *,
        order: Order = Order.STUDENT_ID,
        filters: Sequence[Filter] = (),
        search: str | None = None,
        members: Members = EVERYBODY,
        course: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[DashboardRow]:
        """Return a row for each student in that order, students without a value last.

        search: a part of the name or e-mail; case and accents are ignored. members: limits the list
        to students of a class or of a person. course: limits it to students of a course or class,
        with their risks in it.

        Raises:
            MalformedCursor: the cursor is not one of this list in this order.
            NeedsPostgresql: order or filter by risk, which the in-memory store does not know.
            QueryTooExpensive: the query ran into the time-out.

        """
        needs_risk = order.is_by_risk or any(f.field in RISK_FIELDS for f in filters)
        if needs_risk and self.use_fallback:
            raise NeedsPostgresql("The in-memory store has no dropout risk to sort or filter by.")

        risks = None if self.use_fallback else risk_source(course)
        columns = _COLUMNS
        if risks is not None:
            columns = _COLUMNS | {name: risks.c[name] for name in RISK_FIELDS}

        def rows(session: Session) -> tuple[Sequence[Any], str | None]:
            wanted = conditions(session, filters, columns)
            wanted += members.conditions(PerformanceRecord.student_id)
            if course is not None:
                wanted.append(
                    in_course(PerformanceRecord.student_id, course, risks, utc_now().date())
                )
            if search is not None:
                key = sort_key(search)
                wanted.append(Student.search_text.contains(key, autoescape=True))
            if order.is_by_risk and risks is not None:
                return rows_by_risk(session, order, wanted, risks, after=after, limit=limit)
            keyset = Keyset(f"dashboard by {order}", _PLACES[order], order.is_descending)
            query = _students(keyset, order, after, risks)
            return keyset.rows(session, query.where(*wanted), after=after, limit=limit)

        def shown(session: Session) -> tuple[Sequence[Any], Mapping[str, Deeds], str | None]:
            found, following = rows(session)
            return found, deeds_of(session, [row[0] for row in found]), following

        found, deeds, following = self.read_filtered(shown)
        # A student may have been erased between the statements.
        items = [
            _row(row, deeds.get(row[0], NO_DEEDS), is_memory=self.use_fallback) for row in found
        ]
        return Page(items, following)


def _students(
    keyset: Keyset, order: Order, after: str | None, risks: FromClause | None
) -> AnyQuery:
    beyond = None
    if order is Order.STUDENT_ID and after is not None:
        beyond = beyond_id(keyset.decode(after)[0], is_descending=False)
    return students(risks, beyond)


def _row(row: Sequence[Any], deeds: Deeds, *, is_memory: bool) -> DashboardRow:
    shown = len(SHOWN)
    at_risk = row[shown + 1 : shown + 1 + len(RISK_NAMES)]
    risk, missing = risk_of(at_risk, is_restricted=row[shown], is_memory=is_memory)
    values = (*row[:shown], risk, missing, *deeds)
    return DashboardRow(*values)
