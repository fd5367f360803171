"""Plans of frequent queries: each uses the index that exists for it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.logs import LOGS_BY_TIME, LogSearch
from monitoring_service.domain.findings import HealthStatus
from shared_db.connection.database import Database
from tests.support.factories import NOON

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
            data={"error_rate": 0.9} if n % 20 == 0 else None,
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
        return "\n".join(session.scalars(text(f"EXPLAIN {compiled}".replace(":", r"\:"))))


def test_nothing_that_is_often_asked_reads_every_event(
    postgres: Database, some_logs: list[EventToStore]
) -> None:
    MonitoringDatabase(postgres).events.add_many(some_logs)
    with postgres.unit_of_work() as session:
        session.execute(text("ANALYZE monitoring.monitoring_logs"))

    plans = {
        "timestamp_id": LogSearch(),
        "source_timestamp_id": LogSearch(source="s1"),
        "component_timestamp_id": LogSearch(component="c1"),
        "event_type_timestamp_id": LogSearch(event_type="t1"),
        "trouble_timestamp_id": LogSearch(status=CRITICAL),
        "trouble_source_timestamp_id": LogSearch(status=CRITICAL, source="s1"),
        "words": LogSearch(text="word3"),
    }
    for index, search in plans.items():
        plan = plan_of(postgres, search)
        assert f"ix_monitoring_logs_{index}" in plan, plan
        assert "Seq Scan" not in plan, plan
