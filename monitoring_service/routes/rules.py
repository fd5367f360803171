"""The thresholds by which events are judged."""

from typing import Annotated

from fastapi import APIRouter, Path

from monitoring_service.dependencies import Monitoring
from monitoring_service.errors import RulesNotFound
from monitoring_service.schemas.rules import NewRules, RulesOut, ThresholdOut
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.requests.fields import Label
from shared_web.routing import ANY_TEXT

router = APIRouter(prefix="/monitoring/rules", tags=["rules"], route_class=AdmittedRoute)

READ = needs(Permission.SYSTEM_READ)
WRITE = needs(Permission.SYSTEM_WRITE)
Writer = Annotated[Principal, WRITE]

# The rest of the path: names of sources such as `web/api` contain slashes.
OF_SOURCE = f"/{{source:{ANY_TEXT}}}"
Source = Annotated[Label, Path(description="A source, or `*` for every source.")]


@router.get(OF_SOURCE, dependencies=[READ])
def get_rules(source: Source, monitoring: Monitoring) -> RulesOut:
    """Return the thresholds in force for a source."""
    return RulesOut(
        source=source,
        thresholds=[ThresholdOut.model_validate(t) for t in monitoring.thresholds.get(source)],
    )


@router.put(OF_SOURCE)
def set_rules(source: Source, new: NewRules, monitoring: Monitoring, principal: Writer) -> RulesOut:
    """Set the limits of a source. They judge what comes from now on; see `re-evaluate`."""
    limits = {metric: (limit.warning, limit.critical) for metric, limit in new.thresholds.items()}
    thresholds = monitoring.thresholds.upsert(source, limits, principal.name)
    return RulesOut(source=source, thresholds=[ThresholdOut.model_validate(t) for t in thresholds])


@router.delete(
    OF_SOURCE, status_code=204, dependencies=[WRITE], responses=documented(RulesNotFound)
)
def remove_rules(source: Source, monitoring: Monitoring) -> None:
    """Forget the limits that were set for a source; the defaults hold again."""
    monitoring.thresholds.delete(source)
