"""What the lists of this service can be filtered by."""

from typing import Annotated

from fastapi import Depends

from monitoring_service.domain.findings import HealthStatus
from shared_db.queries.filters import Filter
from shared_web.query.filters import FilterSet, JsonField, choice, instant, number, text

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
SERIES = FilterSet(
    text("source"), text("component"), text("event_type"), choice("status", HealthStatus)
)
SOURCES = FilterSet(
    text("source"),
    instant("last_seen"),
    number("total"),
    number("normal"),
    number("warning"),
    number("critical"),
)
HEALTH = FilterSet(instant("minute"), choice("status", HealthStatus), number("severity"))

LogFilters = Annotated[tuple[Filter, ...], Depends(LOGS)]
SeriesFilters = Annotated[tuple[Filter, ...], Depends(SERIES)]
SourceFilters = Annotated[tuple[Filter, ...], Depends(SOURCES)]
HealthFilters = Annotated[tuple[Filter, ...], Depends(HEALTH)]
