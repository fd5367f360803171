"""Routes of organisations."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import OrganisationNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import OrganisationId
from staffstuddash_service.routes.roster.parameters import (
    REFERRING,
    IncludeEnded,
    OrganisationFilters,
    new_row,
    shown,
)
from staffstuddash_service.schemas.roster.resources import OrganisationOut, OrganisationReplacement

router = APIRouter(prefix="/organisations", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_organisations(
    datastore: Datastore,
    filters: OrganisationFilters,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[OrganisationOut]:
    """Return organisations by id."""
    page = datastore.roster.search(
        RosterKind.ORGANISATION,
        include_ended=include_ended,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[OrganisationOut].of(page)


@router.get("/{organisation_id}", dependencies=[READ], responses=documented(OrganisationNotFound))
def get_organisation(organisation_id: OrganisationId, datastore: Datastore) -> OrganisationOut:
    """Return one organisation, ended or not."""
    return OrganisationOut.model_validate(
        datastore.roster.get(RosterKind.ORGANISATION, organisation_id)
    )


@router.put(
    "/{organisation_id}", dependencies=[WRITE], responses=REFERRING | new_row(OrganisationOut)
)
def replace_organisation(
    organisation_id: OrganisationId,
    new: OrganisationReplacement,
    datastore: Datastore,
    response: Response,
) -> OrganisationOut:
    """Store or replace an organisation; equal content changes nothing. It may begin again."""
    replaced = datastore.roster.replace(new.record(organisation_id))
    return OrganisationOut.model_validate(shown(replaced, response))


@router.delete(
    "/{organisation_id}", dependencies=[WRITE], responses=documented(OrganisationNotFound)
)
def end_organisation(
    organisation_id: OrganisationId, datastore: Datastore, response: Response
) -> OrganisationOut:
    """End an organisation. The row stays."""
    ended = datastore.roster.end(RosterKind.ORGANISATION, organisation_id)
    return OrganisationOut.model_validate(shown(ended, response))
