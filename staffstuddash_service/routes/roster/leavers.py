"""Route of the students that have left."""

from typing import Annotated

from fastapi import APIRouter, Query

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.schemas.roster.fields import Day
from staffstuddash_service.schemas.roster.year_end import LeaverOut

router = APIRouter(prefix="/leavers", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)

LeftBy = Annotated[Day | None, Query(description="Only those that had left on this day.")]


@router.get("", dependencies=[READ, EXPENSIVE], responses=LISTING)
def list_leavers(
    datastore: Datastore, left_by: LeftBy = None, after: After = None, limit: Limit = 100
) -> PageOut[LeaverOut]:
    """Return the students by id whose last enrolment is over, with the day."""
    page = datastore.year_end.search_leavers(left_by=left_by, after=after, limit=limit)
    return PageOut[LeaverOut].of(page)
