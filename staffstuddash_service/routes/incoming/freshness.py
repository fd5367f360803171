"""Route of the freshness of the school's data."""

from fastapi import APIRouter

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.requests.expensive_reads import EXPENSIVE
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.schemas.incoming.freshness import FreshnessOut

router = APIRouter(prefix="/freshness", tags=["dashboard"], route_class=AdmittedRoute)


@router.get("", dependencies=[needs(Permission.ROSTER_READ), EXPENSIVE])
def get_freshness(datastore: Datastore) -> FreshnessOut:
    """Return when data of each kind arrived last, and which are stale; of the whole school."""
    return FreshnessOut.model_validate(datastore.freshness.get())
