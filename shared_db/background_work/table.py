"""Table of background work: one row for each piece, from the process that ran it last."""

import logging
from dataclasses import asdict
from typing import Any

from sqlalchemy import Column, Double, Integer, MetaData, String, Table, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shared_db.background_work.state import WorkState
from shared_db.clock import utc_now
from shared_db.columns import Key, UtcDateTime
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.personal_data import Declaration, register_table

logger = logging.getLogger(__name__)

VIEW = "published_background_work"
_ERROR_LENGTH = 100
# Columns that stay if a process has no value yet, because it has not succeeded or failed.
_KEPT = ("last_success_at", "last_error", "last_error_at")
_DECLARATION = Declaration((), "to watch the work of the services", "until it is overwritten")

_COLUMNS = (
    "name period_seconds last_started_at last_success_at duration_seconds next_run_at last_error"
    " last_error_at failures updated_at"
)


def background_table(metadata: MetaData) -> Table:
    """Return the table `background_work` of the service of this metadata."""
    table = Table("background_work", metadata, *_columns())
    return register_table(table, _DECLARATION, _COLUMNS)


def background_view(schema: str) -> Table:
    """Return the published view of that table; migrations create it, not the metadata."""
    return Table(VIEW, MetaData(schema=schema), Column("service", String), *_columns())


def _columns() -> list[Column[Any]]:
    return [
        Column("name", Key, primary_key=True),
        Column("period_seconds", Double, comment="Null if it has no fixed period"),
        Column("last_started_at", UtcDateTime),
        Column("last_success_at", UtcDateTime),
        Column("duration_seconds", Double, comment="Of the last run"),
        Column("next_run_at", UtcDateTime),
        Column("last_error", String(_ERROR_LENGTH), comment="The exception's class"),
        Column("last_error_at", UtcDateTime),
        Column("failures", Integer, nullable=False, comment="Consecutive ones"),
        Column("updated_at", UtcDateTime, nullable=False),
    ]


def state_of(row: Any) -> WorkState:
    """Return the state that a row of the table or the view holds."""
    return WorkState(
        name=row.name,
        since=row.last_started_at or row.updated_at,
        period_seconds=row.period_seconds,
        last_started_at=row.last_started_at,
        last_success_at=row.last_success_at,
        duration_seconds=row.duration_seconds,
        next_run_at=row.next_run_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        failures=row.failures,
    )


class BackgroundRows:
    """Writer of the table of one service; a failure to write is logged and never raised."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._table = background_table(MetaData(schema=schema))
        self._is_failing = False

    def write(self, state: WorkState) -> bool:
        """Store the state; return False if that failed; the log has one line about it."""
        try:
            with self._database.unit_of_work() as session:
                self._upsert(session, state)
        except DatabaseUnavailable:  # the circuit breaker logs that
            return False
        except Exception as failure:  # noqa: BLE001 - the work itself was done
            if not self._is_failing:
                kind = type(failure).__qualname__
                logger.error("the state of background work cannot be stored: %s", kind)  # noqa: TRY400 - its text may be personal
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def _upsert(self, session: Session, state: WorkState) -> None:
        table = self._table
        values = {name: value for name, value in asdict(state).items() if name in table.columns}
        values |= {
            "updated_at": utc_now(),
            "last_error": (state.last_error or "")[:_ERROR_LENGTH] or None,
        }
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        insert = dialect.insert(table).values(values)
        changes: dict[str, Any] = dict(insert.excluded)
        changes |= {name: func.coalesce(changes[name], table.c[name]) for name in _KEPT}
        session.execute(insert.on_conflict_do_update(index_elements=["name"], set_=changes))
