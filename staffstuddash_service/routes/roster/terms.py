"""Routes of terms."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import TermNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import TermId
from staffstuddash_service.routes.roster.parameters import (
    REFERRING,
    IncludeEnded,
    TermFilters,
    new_row,
    shown,
)
from staffstuddash_service.schemas.roster.resources import TermOut, TermReplacement
from staffstuddash_service.schemas.roster.year_end import TermClosingOut
from staffstuddash_service.term_errors import TermClosed, TermHasOpenTerms, TermNotOver

router = APIRouter(prefix="/terms", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.ROSTER_WRITE)

DryRun = Annotated[bool, Query(description="`true`: change nothing, return the account.")]


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_terms(
    datastore: Datastore,
    filters: TermFilters,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[TermOut]:
    """Return terms by id."""
    page = datastore.roster.search(
        RosterKind.TERM,
        include_ended=include_ended,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[TermOut].of(page)


@router.get("/{term_id}", dependencies=[READ], responses=documented(TermNotFound))
def get_term(term_id: TermId, datastore: Datastore) -> TermOut:
    """Return one term, ended or not."""
    return TermOut.model_validate(datastore.roster.get(RosterKind.TERM, term_id))


@router.put(
    "/{term_id}",
    dependencies=[WRITE],
    responses=REFERRING | documented(TermClosed) | new_row(TermOut),
)
def replace_term(
    term_id: TermId, new: TermReplacement, datastore: Datastore, response: Response
) -> TermOut:
    """Store or replace a term; equal content changes nothing. An ended one begins again."""
    replaced = datastore.roster.replace(new.record(term_id))
    return TermOut.model_validate(shown(replaced, response))


@router.delete("/{term_id}", dependencies=[WRITE], responses=documented(TermNotFound))
def end_term(term_id: TermId, datastore: Datastore, response: Response) -> TermOut:
    """End a term. The row stays."""
    ended = datastore.roster.end(RosterKind.TERM, term_id)
    return TermOut.model_validate(shown(ended, response))


@router.post(
    "/{term_id}/close",
    dependencies=[WRITE],
    responses=documented(TermNotFound, TermNotOver, TermHasOpenTerms),
)
def close_term(
    term_id: TermId,
    datastore: Datastore,
    response: Response,
    dry_run: DryRun = False,  # noqa: FBT002 - a query parameter
) -> TermClosingOut:
    """Close a term: archive its classes, and end their enrolments and teaching on its last day."""
    account = datastore.year_end.close_term(term_id, is_dry=dry_run)
    mark_replay(response, is_replay=account.is_replay)
    return TermClosingOut.model_validate(account)
