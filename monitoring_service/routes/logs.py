"""Events read back."""

from typing import Annotated

from fastapi import APIRouter, Path

from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import LogNotFound
from monitoring_service.routes.parameters import LOGS, LogFilters
from monitoring_service.schemas import EventOut
from shared_db.errors import QueryTooExpensive
from shared_db.paging import MalformedCursor
from shared_web.access import READ
from shared_web.fields import Id
from shared_web.filters import Count
from shared_web.paging import After, CountedPageOut, Limit
from shared_web.problems import InvalidRequest, documented

router = APIRouter(prefix="/monitoring/logs", tags=["logs"])


@router.get(
    "",
    dependencies=[READ],
    responses=documented(InvalidRequest, MalformedCursor, QueryTooExpensive),
    openapi_extra=LOGS.openapi_extra,
)
def list_logs(
    monitoring: Monitoring,
    filters: LogFilters,
    after: After = None,
    limit: Limit = 100,
    count: Count = None,
) -> CountedPageOut[EventOut]:
    """Return events, the latest first."""
    page, total = monitoring.get_logs(
        filters=filters, after=after, limit=limit, count=count is not None
    )
    return CountedPageOut[EventOut].counted(page, total)


@router.get("/{event_id}", dependencies=[READ], responses=documented(LogNotFound))
def get_log(
    event_id: Annotated[Id, Path(description="The event's id.")], monitoring: Monitoring
) -> EventOut:
    """Return one event with what the rules said of it."""
    return EventOut.model_validate(monitoring.get_log_by_id(event_id))
