"""Background work of all services, read from the views that they publish."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, select, text
from sqlalchemy.orm import Session

from monitoring_service.models import (
    background_work,
    background_work_of_dropout,
    background_work_of_staffstuddash,
)
from shared_db.background_work.state import WorkState
from shared_db.background_work.table import VIEW, state_of
from shared_db.clock import utc_now
from shared_db.repository import Repository

_SOURCES: Mapping[str, Table] = {
    "dropout": background_work_of_dropout,
    "monitoring": background_work,
    "staffstuddash": background_work_of_staffstuddash,
}
_READABLE_VIEWS = text(
    "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relname = :view AND has_schema_privilege(n.oid, 'USAGE')"
    " AND has_table_privilege(c.oid, 'SELECT')"
)
_NOT_REPORTED = "has reported nothing yet"
_NOT_IN_MEMORY = "not available without PostgreSQL"
_NOT_READABLE = "its view cannot be read: run `veritas migrate`"


@dataclass(frozen=True)
class ServiceWork:
    """One piece of background work of a service; `warning` is None if all is well."""

    service: str
    state: WorkState
    age_seconds: float | None
    warning: str | None


@dataclass(frozen=True)
class BackgroundReport:
    """Background work by service and name, and the reason for each service without any."""

    items: Sequence[ServiceWork]
    missing_because: Mapping[str, str]


class BackgroundReportRepository(Repository):
    """Background work as all services report it."""

    def report(self, now: datetime | None = None) -> BackgroundReport:
        """Return the last reported state of each piece of work; in memory only of this service."""
        return self.read(lambda session: _report(session, now or utc_now()))


def _report(session: Session, now: datetime) -> BackgroundReport:
    absent = _absent(session)
    found = [
        work
        for service, table in _SOURCES.items()
        if service not in absent
        for work in _reported(session, service, table, now)
    ]
    silent = _SOURCES.keys() - absent.keys() - {work.service for work in found}
    return BackgroundReport(found, absent | dict.fromkeys(sorted(silent), _NOT_REPORTED))


def _absent(session: Session) -> dict[str, str]:
    others = [service for service, table in _SOURCES.items() if table is not background_work]
    if session.get_bind().dialect.name == "sqlite":
        return dict.fromkeys(others, _NOT_IN_MEMORY)
    readable = set(session.scalars(_READABLE_VIEWS, {"view": VIEW}))
    return {service: _NOT_READABLE for service in others if service not in readable}


def _reported(session: Session, service: str, table: Table, now: datetime) -> Iterator[ServiceWork]:
    for row in session.execute(select(table).order_by(table.c.name)):
        state = state_of(row)
        yield ServiceWork(service, state, state.age_seconds(now), state.warning(now))
