"""Routes of classes."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import ClassNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import ClassId, NewClassId
from staffstuddash_service.routes.roster.parameters import (
    REFERRING,
    ClassFilters,
    IncludeEnded,
    InTerm,
    new_row,
    shown,
)
from staffstuddash_service.schemas.roster.resources import ClassOut, ClassReplacement
from staffstuddash_service.term_errors import ClassArchived, TermClosed

router = APIRouter(prefix="/classes", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_classes(
    datastore: Datastore,
    filters: ClassFilters,
    term_id: InTerm = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[ClassOut]:
    """Return classes by id."""
    page = datastore.roster.search(
        RosterKind.CLASS,
        include_ended=include_ended,
        listed_id=term_id,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[ClassOut].of(page)


@router.get("/{class_id}", dependencies=[READ], responses=documented(ClassNotFound))
def get_class(class_id: ClassId, datastore: Datastore) -> ClassOut:
    """Return one class, ended or not."""
    return ClassOut.model_validate(datastore.roster.get(RosterKind.CLASS, class_id))


@router.put(
    "/{class_id}",
    dependencies=[WRITE],
    responses=REFERRING | documented(ClassArchived, TermClosed) | new_row(ClassOut),
)
def replace_class(
    class_id: NewClassId, new: ClassReplacement, datastore: Datastore, response: Response
) -> ClassOut:
    """Store or replace a class; equal content changes nothing. An ended one begins again."""
    replaced = datastore.roster.replace(new.record(class_id))
    return ClassOut.model_validate(shown(replaced, response))


@router.delete("/{class_id}", dependencies=[WRITE], responses=documented(ClassNotFound))
def end_class(class_id: ClassId, datastore: Datastore, response: Response) -> ClassOut:
    """End a class, and with it its enrolments and teaching. The row stays."""
    ended = datastore.roster.end(RosterKind.CLASS, class_id)
    return ClassOut.model_validate(shown(ended, response))
