"""Events read back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import LogNotFound
from monitoring_service.schemas import EventOut
from shared_db.paging import MalformedCursor
from shared_web.access import READ
from shared_web.fields import Id, Label
from shared_web.paging import After, Limit, PageOut
from shared_web.problems import InvalidRequest, documented

router = APIRouter(prefix="/monitoring/logs", tags=["logs"])


@router.get("", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def list_logs(
    monitoring: Monitoring,
    source: Annotated[Label | None, Query(description="Only events of this source.")] = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[EventOut]:
    """Return events, the latest first."""
    page, _ = monitoring.get_logs(source=source, after=after, limit=limit, count=False)
    return PageOut[EventOut].of(page)


@router.get("/{event_id}", dependencies=[READ], responses=documented(LogNotFound))
def get_log(
    event_id: Annotated[Id, Path(description="The event's id.")], monitoring: Monitoring
) -> EventOut:
    """Return one event with what the rules said of it."""
    return EventOut.model_validate(monitoring.get_log_by_id(event_id))
