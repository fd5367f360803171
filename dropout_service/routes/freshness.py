"""Route of the freshness of the data of courses."""

from typing import Annotated

from fastapi import APIRouter, Query

from dropout_service.dependencies import Manager
from dropout_service.schemas.freshness import FreshnessPageOut
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After

router = APIRouter(tags=["courses"], route_class=AdmittedRoute)


@router.get(
    "/freshness",
    dependencies=[needs(Permission.ROSTER_READ)],
    responses=documented(InvalidRequest, MalformedCursor),
)
def list_freshness(
    manager: Manager,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of courses.")] = 20,
) -> FreshnessPageOut:
    """Return the last events, submissions and predictions of each course, by course."""
    return FreshnessPageOut.model_validate(manager.freshness.search(after=after, limit=limit))
