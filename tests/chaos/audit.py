"""Audit: the rows in PostgreSQL, compared with those acknowledged to clients."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tests.chaos.clients import Ledger
from tests.support.databases import engine_on

# Derived figures beside their rows: they differ if a row was stored twice, or half.
_DERIVED = {
    "marks counted in records": (
        "SELECT coalesce(sum(assessment_count), 0) FROM staffstuddash.performance_records",
        "SELECT count(*) FROM staffstuddash.assessment_logs",
    ),
    "drafts counted in records": (
        "SELECT coalesce(sum(draft_count), 0) FROM staffstuddash.performance_records",
        "SELECT count(*) FROM staffstuddash.drafts",
    ),
    "events counted": (
        "SELECT coalesce(sum(count), 0) FROM monitoring.log_counts",
        "SELECT count(*) FROM monitoring.monitoring_logs",
    ),
}


@dataclass(frozen=True)
class Audit:
    """Acknowledged, lost and doubled rows; drafts out of order; derived figures that differ."""

    acknowledged: int
    lost: Sequence[str]
    doubled: int
    disordered: Sequence[str]
    disagreeing: Sequence[str]

    @property
    def is_clean(self) -> bool:
        """Return True if each acknowledged row is stored once."""
        return not (self.lost or self.doubled or self.disordered or self.disagreeing)


def audit(url: str, ledger: Ledger) -> Audit:
    """Compare the ledger with the database."""
    with engine_on(url).connect() as connection:
        lost, doubled = [], 0
        for table, ids in ledger.rows.items():
            stored = connection.scalars(text(f"SELECT id FROM {table}")).all()
            doubled += len(stored) - len(set(stored))
            lost += sorted(set(ids) - set(stored))
        return Audit(
            sum(len(set(ids)) for ids in ledger.rows.values()),
            lost,
            doubled + _actions_doubled(connection),
            [s for s, ids in ledger.drafts.items() if _versions(connection, s) != ids],
            [name for name, pair in _DERIVED.items() if _differ(connection, *pair)],
        )


def _actions_doubled(connection: Connection) -> int:
    query = "SELECT count(*) - count(DISTINCT (student_id, action)) FROM staffstuddash.action_logs"
    return int(connection.scalar(text(query)) or 0)


def _versions(connection: Connection, student: str) -> list[str]:
    query = text("SELECT id FROM staffstuddash.drafts WHERE student_id = :student ORDER BY version")
    return list(connection.scalars(query, {"student": student}))


def _differ(connection: Connection, kept: str, counted: str) -> bool:
    return bool(connection.scalar(text(kept)) != connection.scalar(text(counted)))
