"""Routes of figures about interventions."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from shared_db.clock import utc_now
from shared_db.errors import GroupTooSmall, NeedsPostgresql
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.requests.expensive_reads import EXPENSIVE
from shared_web.requests.fields import Id, PastInstant
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.routes.filters import Timezone
from staffstuddash_service.schemas.analytics import (
    ActionComparisonOut,
    ActionWeeksOut,
    OrderContrastOut,
)

router = APIRouter(prefix="/analytics", tags=["actions"], route_class=AdmittedRoute)

_YEAR = timedelta(days=365)

OfCourse = Annotated[
    Id | None, Query(description="Of this course or class; by default of all courses.")
]
Since = Annotated[
    PastInstant | None, Query(description="Interventions from then on; by default for a year.")
]


@router.get(
    "/actions",
    dependencies=[needs(Permission.ACTIONS_READ), EXPENSIVE],
    responses=documented(NeedsPostgresql, GroupTooSmall),
)
def compare_actions(
    datastore: Datastore, course: OfCourse = None, since: Since = None
) -> ActionComparisonOut:
    """Return the outcomes of interventions, beside comparable students; no proof of a cause."""
    begin = since or utc_now() - _YEAR
    found = datastore.followed_actions.compare(begin, course)
    return ActionComparisonOut.model_validate(
        {
            **vars(found.comparison),
            "students": found.students,
            "course": course,
            "since": begin,
        }
    )


@router.get(
    "/orders",
    dependencies=[needs(Permission.ACTIONS_READ), EXPENSIVE],
    responses=documented(NeedsPostgresql, GroupTooSmall),
)
def compare_orders(
    datastore: Datastore,
    top: Annotated[int, Query(ge=1, le=200, description="Length of the list.")] = 10,
    course: OfCourse = None,
    since: Since = None,
) -> OrderContrastOut:
    """Return the effect of being drawn into a list, where its order is drawn within bands."""
    begin = since or utc_now() - _YEAR
    found = datastore.drawn_orders.contrast(top, begin, course)
    return OrderContrastOut.model_validate(
        {**vars(found), "course": course, "top": top, "since": begin}
    )


@router.get(
    "/action-weeks",
    dependencies=[needs(Permission.ACTIONS_READ), EXPENSIVE],
    responses=documented(GroupTooSmall, InvalidRequest),
)
def list_action_weeks(
    datastore: Datastore,
    weeks: Annotated[int, Query(ge=1, le=26, description="The number of weeks.")] = 8,
    timezone: Timezone = "UTC",
) -> ActionWeeksOut:
    """Return the interventions done in each of the last weeks, and the steps still planned."""
    items = datastore.action_weeks.search(weeks=weeks, zone=ZoneInfo(timezone))
    return ActionWeeksOut.model_validate({"items": items})
