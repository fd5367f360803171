"""Incidents of the systems for the screens about them."""

from datetime import timedelta
from typing import Any

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.domain.incidents import CRITICAL_EVENTS, IncidentState, Resolution
from monitoring_service.models import MonitoringIncident
from shared_db.clock import utc_now
from tests.support.page_schools import HOSTILE, TEACHER


def add_incidents(monitoring: MonitoringDatabase) -> None:
    """Store an open incident with hostile texts and one that is over, and the health of now."""
    now = utc_now()
    monitoring.events.add_many(
        [
            EventToStore(HOSTILE, "job", data={"level": "FATAL"}, event_id=f"i-{n}", timestamp=now)
            for n in range(3)
        ]
    )
    fields: dict[str, Any] = {
        "source": HOSTILE,
        "cause_values": {},
        "opened_at": now,
        "first_seen_at": now - timedelta(hours=1),
        "last_seen_at": now,
        "event_count": 3,
        "worst_severity": 1.0,
        # As they were before a test.
        **dict.fromkeys(("acknowledged_at", "acknowledged_by")),
    }
    present = dict.fromkeys(("resolved_at", "resolved_by", "resolution"))
    over = {
        "state": IncidentState.RESOLVED,
        "resolved_at": now,
        "resolved_by": TEACHER,
        "resolution": Resolution.PERSON,
    }
    incidents = (
        MonitoringIncident(
            id="i-1", cause=CRITICAL_EVENTS, state=IncidentState.OPEN, **fields, **present
        ),
        MonitoringIncident(id="i-2", cause="of a later release", **fields, **over),
    )
    with monitoring.database.unit_of_work() as session:
        for incident in incidents:
            session.merge(incident)
    monitoring.incidents.add_note("i-1", TEACHER, f"looked at it {HOSTILE}", "n-1")
    monitoring.health.record()
