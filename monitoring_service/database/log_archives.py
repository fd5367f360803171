"""Months of events that leave the database for a file, and return from it. PostgreSQL only."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import IO, Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from monitoring_service.database.counts import increment_counts, key_of_row
from monitoring_service.database.event_keys import event_key
from monitoring_service.database.months import drop_months, forget_keys
from monitoring_service.database.rollups.marks import mark_hours
from monitoring_service.models import EventKey, MonitoringLog, MonitoringResult
from shared_db.columns import Row
from shared_db.repository import Repository
from shared_db.writes.copy_from import bulk_insert, copy_to
from shared_db.writes.idempotent_insert import insert_many_idempotent

# Columns of an archive. Numbers and JSON are texts, so that no value changes on its way.
COLUMNS = (
    "id",
    "source",
    "component",
    "event_type",
    "message",
    "data",
    "metadata",
    "timestamp",
    "created_at",
    "status",
    "severity",
    "reasoning",
    "detected_issues",
    "failed_rules",
    "suggestions",
)
_CLOSED = text(
    "SELECT begins, ends FROM monitoring.log_months"
    " WHERE parent = 'monitoring_logs' AND ends <= :until ORDER BY ends"
)
_PARTS = text("SELECT child FROM monitoring.log_months WHERE ends <= :ends ORDER BY child")
_ROWS = """
SELECT log.id, log.source, log.component, log.event_type, log.message, log.data::text,
    log.metadata::text, log.timestamp, log.created_at, log.status, log.severity,
    result.reasoning, result.detected_issues::text, result.failed_rules::text,
    result.suggestions::text
FROM monitoring.monitoring_logs AS log LEFT JOIN monitoring.monitoring_results AS result
    ON result.timestamp = log.timestamp AND result.event_id = log.id
WHERE log.timestamp < CAST('{ends}' AS timestamptz)
ORDER BY log.timestamp, log.id
"""
# Both databases compute this, from the texts and the instants in microseconds.
FINGERPRINT = (
    "md5(concat_ws('|', id, source, component, event_type, message, data, metadata,"
    " CAST({at} AS text), CAST({made} AS text), status, reasoning, detected_issues, failed_rules,"
    " suggestions))"
)
_SUMMARY = """
SELECT count(*), min(timestamp), max(timestamp), coalesce(md5(string_agg({one}, '' ORDER BY
    timestamp, id COLLATE "C")), '') FROM ({rows}) AS log
"""


@dataclass(frozen=True)
class Part:
    """Months that are one table; begins: None for the events of an installation from before."""

    begins: datetime | None
    ends: datetime

    @property
    def name(self) -> str:
        """Name of the part in files: the month, or all months before one."""
        return f"before-{self.ends:%Y-%m}" if self.begins is None else f"{self.begins:%Y-%m}"


@dataclass(frozen=True)
class Summary:
    """Number of rows, their first and last instant, and the fingerprint of all of them in order."""

    rows: int
    first: datetime | None
    last: datetime | None
    fingerprint: str


class LogArchiveRepository(Repository):
    """Closed months, taken out as a whole and brought back."""

    def closed(self, until: date) -> list[Part]:
        """Return the parts that end before or at the day, the oldest first."""
        end = datetime(until.year, until.month, until.day, tzinfo=UTC)
        return self.read(
            lambda session: [Part(*row) for row in session.execute(_CLOSED, {"until": end})]
        )

    def take_out(self, part: Part, target: IO[bytes], keep: Callable[[Summary], None]) -> int:
        """Copy all events before the end of a part as CSV, have them kept, and drop them.

        keep: must raise if its file has not exactly these rows; then nothing is dropped. Writers of
        these months wait meanwhile. Returns the number of events.
        """

        def move(session: Session) -> int:
            for child in session.scalars(_PARTS, {"ends": part.ends}).all():
                session.execute(text(f"LOCK TABLE monitoring.{child} IN SHARE MODE"))
            session.execute(text("LOCK TABLE monitoring.monitoring_logs_default IN SHARE MODE"))
            rows = _ROWS.format(ends=part.ends.isoformat())
            copy_to(session, f"COPY ({rows}) TO STDOUT WITH (FORMAT csv)", target)
            target.flush()
            summary = _summary(session, rows)
            keep(summary)
            drop_months(session, part.ends.date())
            return summary.rows

        moved = self.write(move)
        while self.write(lambda session: forget_keys(session, part.ends.date())):
            pass
        return moved

    def bring_back(self, rows: Sequence[Row]) -> int:
        """Insert events of an archive that are not stored; return their number.

        They were judged before and stay as they were.
        """
        return self.write(lambda session: _insert(session, rows))


def _summary(session: Session, rows: str) -> Summary:
    epoch = "CAST(extract(epoch FROM {column}) * 1000000 AS bigint)"
    one = FINGERPRINT.format(
        at=epoch.format(column="timestamp"), made=epoch.format(column="created_at")
    )
    found = session.execute(text(_SUMMARY.format(one=one, rows=rows).replace("::", r"\:\:"))).one()
    return Summary(*found)


def _insert(session: Session, rows: Sequence[Row]) -> int:
    keys: list[Row] = [
        # The digest of the content is not in an archive; a repeated event is then a conflict.
        {
            "id": (key := event_key(row["id"])),
            "timestamp": row["timestamp"],
            "digest": key[:16].encode(),
        }
        for row in rows
    ]
    results = insert_many_idempotent(session, EventKey, keys)
    new = [row for row, result in zip(rows, results, strict=True) if result.is_stored]
    bulk_insert(session, MonitoringLog, [_log(row) for row in new])
    bulk_insert(session, MonitoringResult, [_result(row) for row in new if row["reasoning"]])
    mark_hours(session, (row["timestamp"] for row in new))
    increment_counts(session, Counter(map(key_of_row, new)))
    return len(new)


def _log(row: Row) -> Row:
    names = ("id", "source", "component", "event_type", "message", "data", "timestamp")
    more = ("created_at", "status", "severity")
    return {**{name: row[name] for name in names + more}, "context": row["metadata"]}


def _result(row: Row) -> dict[str, Any]:
    return {
        "event_id": row["id"],
        "timestamp": row["timestamp"],
        "status": row["status"],
        "severity_score": row["severity"],
        "reasoning": row["reasoning"],
        "detected_issues": row["detected_issues"],
        "failed_rules": row["failed_rules"],
        "suggestions": row["suggestions"],
    }
