"""What the lists of this service can be filtered by."""

from typing import Annotated

from fastapi import Depends

from monitoring_service.domain.rules import HealthStatus
from shared_db.filtering import Filter
from shared_web.filters import FilterSet, JsonField, choice, instant, number, text

LOGS = FilterSet(
    text("event_id"),
    text("source"),
    text("component"),
    text("event_type"),
    text("message"),
    choice("status", HealthStatus),
    number("severity"),
    instant("timestamp"),
    instant("created_at"),
    json_field=JsonField(("data", "metadata"), time="timestamp"),
)

LogFilters = Annotated[tuple[Filter, ...], Depends(LOGS)]
