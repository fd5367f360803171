"""Freshness of the school's data: when rows of each kind arrived last, and which are stale."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.dialects import Column
from shared_db.queries.freshness import is_stale, recent_days, rows_of_days
from shared_db.repository import Repository
from shared_db.row_limits import rows_limited_to
from shared_db.spool.access import best_effort
from staffstuddash_service.models import (
    ActionLog,
    AdvisingRow,
    AssessmentLog,
    ClassRow,
    CourseRow,
    Draft,
    EnrolmentRow,
    OrganisationRow,
    PersonRow,
    Student,
    TeachingRow,
    TermRow,
)

_ROSTER = (
    OrganisationRow,
    TermRow,
    CourseRow,
    ClassRow,
    PersonRow,
    EnrolmentRow,
    TeachingRow,
    AdvisingRow,
)


class DataKind(StrEnum):
    """Kind of data that the service receives."""

    STUDENTS = "students"
    ROSTER = "roster"
    MARKS = "marks"
    DRAFTS = "drafts"
    ACTIONS = "actions"


@dataclass(frozen=True)
class FreshKind:
    """Last rows of one kind; None: there are none, or the kind has no such instant.

    last_received_at: when a row was stored or changed. is_stale: None for kinds without a usual gap
    and with too few rows.
    """

    kind: DataKind
    last_received_at: datetime | None
    last_occurred_at: datetime | None = None
    is_stale: bool | None = None


@dataclass(frozen=True)
class Freshness:
    """Freshness of all kinds, and the rows in the spool; None: the spool cannot be read."""

    items: Sequence[FreshKind]
    waiting: int | None
    refused: int | None
    as_of: datetime


class FreshnessRepository(Repository):
    """Freshness of the school's data."""

    def get(self) -> Freshness:
        """Return the freshness of the data of the whole school, for every caller."""
        now = utc_now()
        with rows_limited_to(None):
            items = self.read(lambda session: _kinds(session, now))
            waiting, refused = self._spooled()
        return Freshness(items, waiting, refused, now)

    def _spooled(self) -> tuple[int | None, int | None]:
        spool = self.spool.spool
        if spool is None:
            return 0, 0
        state = best_effort(spool.state, unknown=None)
        return (None, None) if state is None else (state.waiting, state.refused)


def _kinds(session: Session, now: datetime) -> list[FreshKind]:
    last = session.execute(
        select(
            _last(Student.updated_at),
            _last(ActionLog.timestamp),
            *(_last(row.updated_at) for row in _ROSTER),
        )
    ).one()
    return [
        FreshKind(DataKind.STUDENTS, last[0]),
        FreshKind(DataKind.ROSTER, max(filter(None, last[2:]), default=None)),
        _received(session, DataKind.MARKS, AssessmentLog, now),
        _received(session, DataKind.DRAFTS, Draft, now),
        FreshKind(DataKind.ACTIONS, last[1], last[1]),
    ]


def _received(
    session: Session, kind: DataKind, model: type[AssessmentLog | Draft], now: datetime
) -> FreshKind:
    days = recent_days(now)
    query = select(
        _last(model.created_at), _last(model.timestamp), *rows_of_days(model.created_at, days)
    )
    received, occurred, *has_rows = session.execute(query).one()
    filled = [day for day, has in zip(days, has_rows, strict=True) if has]
    return FreshKind(kind, received, occurred, is_stale(filled, now))


def _last(column: Column) -> Any:
    return select(func.max(column)).scalar_subquery()
