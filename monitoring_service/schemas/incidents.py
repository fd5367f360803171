"""Bodies of incidents and their notes."""

from datetime import datetime
from typing import Any

from pydantic import Field

from monitoring_service.domain.incidents import IncidentState, Resolution
from monitoring_service.schemas.events import EventOut
from shared_web.requests.fields import Body, Id, Out, Text


class IncidentOut(Out):
    """Trouble of one source with one cause."""

    id: str
    source: str
    cause: str = Field(
        description="A code; later releases may have others than `critical_events` and "
        "`source_health`.",
        examples=["critical_events"],
    )
    cause_values: dict[str, Any] = Field(
        description="Values of the code: of `critical_events` the number of CRITICAL events "
        "(`events`) among successive ones (`latest`) that open it, of `source_health` the "
        "`minutes` for which the health was bad before it.",
        examples=[{"events": 3, "latest": 5}],
    )
    state: IncidentState
    opened_at: datetime = Field(description="Instant at which it was noticed.")
    first_seen_at: datetime
    last_seen_at: datetime
    event_count: int = Field(description="Late events are counted, too.")
    severity: float | None = Field(
        description="Of the source now, 0 to 1; null if it was not heard lately. After the end it "
        "is that of the end."
    )
    worst_severity: float
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None = Field(
        description="By itself: the instant since which it is over, which may be before the work."
    )
    resolved_by: str | None = Field(description="Null if it ended by itself.")
    resolution: Resolution | None = Field(
        description="`stable`: heard for 30 minutes without such trouble; `silent`: not heard at "
        "all for 24 hours; `person`: declared by a caller."
    )


class NewIncidentNote(Body):
    """Note about an incident. It must name no student."""

    text: Text = Field(examples=["The disk was full; the old dumps are deleted."])
    id: Id | None = None


class IncidentNoteOut(Out):
    """Note about an incident."""

    id: str
    text: str
    author: str
    created_at: datetime


class IncidentDetailsOut(IncidentOut):
    """Incident with its first 200 notes, and the latest 20 events behind it."""

    notes: list[IncidentNoteOut]
    events: list[EventOut]
