"""Routes of the summary over all students."""

from typing import Annotated

from fastapi import APIRouter, Query

from dropout_service.dependencies import Manager
from dropout_service.schemas.analytics import SummaryOut
from shared_db.clock import utc_now
from shared_db.errors import GroupTooSmall
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.requests.expensive_reads import EXPENSIVE
from shared_web.requests.fields import PastInstant
from shared_web.whole_school.routes import WHOLE_SCHOOL

router = APIRouter(prefix="/analytics", tags=["analytics"], route_class=AdmittedRoute)

READ = needs(Permission.PREDICTIONS_READ)


@router.get(
    "/summary",
    dependencies=[READ, EXPENSIVE, WHOLE_SCHOOL],
    responses=documented(GroupTooSmall),
)
def get_summary(
    manager: Manager,
    at: Annotated[PastInstant | None, Query(description="The instant, by default now.")] = None,
    days: Annotated[int, Query(ge=1, le=365, description="The length of a period.")] = 7,
    periods: Annotated[int, Query(ge=1, le=12, description="The number of earlier periods.")] = 4,
) -> SummaryOut:
    """Return counts by level and type, their change, and the students newly at risk.

    The counts of an instant include predictions with `as_of` up to it. A student is newly at risk
    who is at HIGH or CRITICAL at `at` and was below one period before.
    """
    summary = manager.analytics.summarize(at or utc_now(), days=days, periods=periods)
    return SummaryOut.model_validate(summary)
