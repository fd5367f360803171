"""Filters of the lists of this service, in a query string or a body."""

import re
from typing import Annotated, Literal

from fastapi import Depends
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.incidents import IncidentState
from shared_db.queries.filters import Filter
from shared_web.query.filters import FilterSet, JsonField, choice, instant, number, text
from shared_web.query.pagination import MAX_CURSOR_LENGTH
from shared_web.requests.fields import Body, Term

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
INCIDENTS = FilterSet(
    text("source"),
    text("cause"),
    choice("state", IncidentState),
    number("severity"),
    number("worst_severity"),
    number("event_count"),
    instant("opened_at"),
    instant("last_seen_at"),
)

LogFilters = Annotated[tuple[Filter, ...], Depends(LOGS)]
SeriesFilters = Annotated[tuple[Filter, ...], Depends(SERIES)]
SourceFilters = Annotated[tuple[Filter, ...], Depends(SOURCES)]
IncidentFilters = Annotated[tuple[Filter, ...], Depends(INCIDENTS)]
HealthFilters = Annotated[tuple[Filter, ...], Depends(HEALTH)]


def _without_repeated_dashes(words: str) -> str:
    # PostgreSQL nests a negation for each, and refuses more than its stack holds.
    if re.search(r"-\s*-", words):
        raise ValueError("should not have several dashes one after another")
    return words


Words = Annotated[Term, AfterValidator(_without_repeated_dashes)]


class LogQuery(Body):
    """Conditions of `GET /logs` as a body, for a query string that would become too long."""

    filter: Annotated[
        tuple[Filter, ...], PlainValidator(LOGS.from_body), WithJsonSchema(LOGS.json_schema)
    ] = Field((), description="The same names as the query's parameters; for `__in` a list.")
    q: Words | None = None
    after: Annotated[str, Field(max_length=MAX_CURSOR_LENGTH)] | None = None
    limit: int = Field(100, ge=1, le=1000)
    count: Literal["exact"] | None = None
