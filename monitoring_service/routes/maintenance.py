"""Old events deleted."""

from typing import Annotated

from fastapi import APIRouter, Query

from monitoring_service.database import MOST_CLEARED
from monitoring_service.dependencies import Monitoring
from monitoring_service.schemas.maintenance import CleanupOut
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission

router = APIRouter(
    prefix="/monitoring/maintenance", tags=["maintenance"], route_class=AdmittedRoute
)

DELETE = needs(Permission.LOGS_DELETE)

CENTURY_HOURS = 24 * 366 * 100


@router.post("/cleanup", dependencies=[DELETE])
def clean_up(
    monitoring: Monitoring,
    older_than_hours: Annotated[float, Query(gt=0, le=CENTURY_HOURS)],
) -> CleanupOut:
    """Delete the events older than that, the oldest first, at most 100,000 in one request."""
    deleted = monitoring.retention.delete_old(older_than_hours * 60)
    return CleanupOut(deleted=deleted, is_complete=deleted < MOST_CLEARED)
