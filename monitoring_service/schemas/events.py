"""Events as clients send and get them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from monitoring_service.domain.findings import HealthStatus
from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    JsonObject,
    Label,
    Out,
    PastInstant,
    Text,
    not_reserved,
)

NewEventId = Annotated[
    Id, not_reserved("query"), Field(json_schema_extra={"not": {"enum": ["query"]}})
]


class NewEvent(Body):
    """Event of a system; without an id one is made, without a time it is now."""

    event_id: NewEventId | None = Field(None, examples=["evt-1"])
    source: Label = Field(examples=["library-catalogue"])
    component: Label | None = Field(None, examples=["search"])
    event_type: Label = Field(examples=["request"])
    message: Text | None = None
    data: JsonObject | None = Field(None, examples=[{"response_time": 1800, "error_rate": 0.01}])
    metadata: JsonObject | None = None
    timestamp: PastInstant | None = None


class ResultOut(Out):
    """Reasons why an event is not NORMAL; `severity_score` is 0 to 1."""

    status: HealthStatus
    severity_score: float
    reasoning: str
    detected_issues: list[str]
    failed_rules: list[str]
    suggestions: list[str]


class EventOut(AdditionOut):
    """Event as stored, with its status by the rules; `result` is null when NORMAL.

    Of a pending one `status` and `severity` are null too: it is judged when it is stored.
    """

    event_id: str = Field(validation_alias=AliasChoices("event_id", "id"))
    source: str
    component: str | None
    event_type: str
    message: str | None
    data: dict[str, Any] | None
    metadata: dict[str, Any] | None = Field(validation_alias="context")
    timestamp: datetime
    created_at: datetime
    status: HealthStatus | None
    severity: float | None
    result: ResultOut | None
