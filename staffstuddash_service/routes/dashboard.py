"""What a teacher sees first."""

from fastapi import APIRouter

from shared_db.paging import MalformedCursor
from shared_web.access import READ
from shared_web.paging import After, Limit, PageOut
from shared_web.problems import InvalidRequest, documented
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.schemas import DashboardRowOut

router = APIRouter(prefix="/dashboard", tags=["dashboard"])


@router.get("/teacher", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def get_teacher_dashboard(
    datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[DashboardRowOut]:
    """Return a row per student by id: performance and the latest dropout risk."""
    return PageOut[DashboardRowOut].of(datastore.get_teacher_dashboard(after=after, limit=limit))
