"""Plans of frequent queries: each uses the index that exists for it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.logs import LOGS_BY_TIME, LogSearch
from monitoring_service.domain.findings import HealthStatus
from shared_db.connection.database import Database
from tests.support.factories import NOON

# The index of the whole table that each index of a month belongs to.
INDEXES = """
SELECT part.relname AS part, whole.relname AS whole FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid JOIN pg_class AS whole ON whole.oid = inhparent
WHERE whole.relkind = 'I'
"""
CRITICAL = HealthStatus.CRITICAL


@pytest.fixture(scope="module")
def some_logs() -> list[EventToStore]:
    """Give enough events that reading all of them is not the cheapest way."""
    return [
        EventToStore(
            source=f"s{n % 40}",
            component=f"c{n % 300}",
            event_type=f"t{n % 300}",
            message=f"word{n % 700} again",
            data={"error_rate": 0.9} if n % 7 == 0 else None,
            timestamp=NOON + timedelta(seconds=n),
        )
        for n in range(4000)
    ]


def plan_of(database: Database, search: LogSearch) -> str:
    with database.reading() as session:
        query = search.query(session).order_by(*(c.desc() for c in LOGS_BY_TIME.columns)).limit(20)
        compiled: Any = query.compile(
            dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True}
        )
        plan = "\n".join(session.scalars(text(f"EXPLAIN {compiled}".replace(":", r"\:"))))
        names = {row.part: row.whole for row in session.execute(text(INDEXES))}
    return re.sub(r"\bmonitoring_logs_\w+_idx\d*\b", lambda found: names[found[0]], plan)


def test_nothing_that_is_often_asked_reads_every_event(
    postgres: Database, some_logs: list[EventToStore]
) -> None:
    MonitoringDatabase(postgres).events.add_many(some_logs)
    with postgres.unit_of_work() as session:
        session.execute(text("ANALYZE monitoring.monitoring_logs"))

    plans = {
        "timestamp": LogSearch(),
        "source_timestamp": LogSearch(source="s1"),
        "component_timestamp": LogSearch(component="c1"),
        "event_type_timestamp": LogSearch(event_type="t1"),
        "trouble_timestamp": LogSearch(status=CRITICAL),
        "trouble_source_timestamp": LogSearch(status=CRITICAL, source="s1"),
        "words": LogSearch(text="word3"),
    }
    for index, search in plans.items():
        plan = plan_of(postgres, search)
        assert f"ix_monitoring_logs_{index}" in plan, plan
        # The events are before the present month; an empty month may be read as a whole.
        assert "Seq Scan on monitoring_logs_default" not in plan, plan
