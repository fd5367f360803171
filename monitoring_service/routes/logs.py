"""Stored events: searched, and found by their id."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import LogNotFound
from monitoring_service.routes.filters import LOGS, LogFilters, LogQuery, Words
from monitoring_service.schemas.events import EventOut
from shared_db.errors import QueryTooExpensive
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import Count
from shared_web.query.pagination import After, CountedPageOut, Limit
from shared_web.requests.expensive_reads import EXPENSIVE, EXPENSIVE_IF_SEARCHED
from shared_web.requests.fields import Id

router = APIRouter(prefix="/monitoring/logs", tags=["logs"], route_class=AdmittedRoute)

READ = needs(Permission.SYSTEM_READ)

SearchedWords = Annotated[
    Words | None,
    Query(
        description="Words of the message, whole, in any order and case, separated by punctuation; "
        "`or`, `-word` and quoted phrases as in web searches."
    ),
]
LISTING = documented(InvalidRequest, MalformedCursor, QueryTooExpensive)


@router.get(
    "",
    dependencies=[READ, EXPENSIVE_IF_SEARCHED],
    responses=LISTING,
    openapi_extra=LOGS.openapi_extra,
)
def list_logs(
    monitoring: Monitoring,
    filters: LogFilters,
    q: SearchedWords = None,
    after: After = None,
    limit: Limit = 100,
    count: Count = None,
) -> CountedPageOut[EventOut]:
    """Return events, the latest first."""
    page, total = monitoring.get_logs(
        filters=filters, text=q, after=after, limit=limit, count=count is not None
    )
    return CountedPageOut[EventOut].counted(page, total)


@router.post("/query", dependencies=[READ, EXPENSIVE], responses=LISTING)
def query_logs(wanted: LogQuery, monitoring: Monitoring) -> CountedPageOut[EventOut]:
    """Return events as the list does, for conditions too long for a URL."""
    page, total = monitoring.get_logs(
        filters=wanted.filter,
        text=wanted.q,
        after=wanted.after,
        limit=wanted.limit,
        count=wanted.count is not None,
    )
    return CountedPageOut[EventOut].counted(page, total)


@router.get("/{event_id}", dependencies=[READ], responses=documented(LogNotFound))
def get_log(
    event_id: Annotated[Id, Path(description="The event's id.")], monitoring: Monitoring
) -> EventOut:
    """Return one event with its status by the rules."""
    return EventOut.model_validate(monitoring.logs.get(event_id))
