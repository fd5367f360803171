"""Routes of people, and of their classes."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import PersonNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import NewPersonId, PersonId
from staffstuddash_service.routes.roster.parameters import (
    REFERRING,
    AsOf,
    IncludeEnded,
    InOrganisation,
    PersonFilters,
    PersonIdIn,
    PersonSearch,
    new_row,
    shown,
)
from staffstuddash_service.schemas.roster.relations import TeachingOut
from staffstuddash_service.schemas.roster.resources import PersonOut, PersonReplacement

router = APIRouter(prefix="/people", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_people(
    datastore: Datastore,
    filters: PersonFilters,
    search: PersonSearch = None,
    organisation_id: InOrganisation = None,
    id__in: PersonIdIn = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[PersonOut]:
    """Return people by id."""
    page = datastore.roster.search(
        RosterKind.PERSON,
        include_ended=include_ended,
        listed_id=organisation_id,
        search=search,
        ids=id__in,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[PersonOut].of(page)


@router.get("/{person_id}", dependencies=[READ], responses=documented(PersonNotFound))
def get_person(person_id: PersonId, datastore: Datastore) -> PersonOut:
    """Return one person, ended or not."""
    return PersonOut.model_validate(datastore.roster.get(RosterKind.PERSON, person_id))


@router.put("/{person_id}", dependencies=[WRITE], responses=REFERRING | new_row(PersonOut))
def replace_person(
    person_id: NewPersonId, new: PersonReplacement, datastore: Datastore, response: Response
) -> PersonOut:
    """Store or replace a person; equal content changes nothing. An ended one begins again."""
    replaced = datastore.roster.replace(new.record(person_id))
    return PersonOut.model_validate(shown(replaced, response))


@router.delete("/{person_id}", dependencies=[WRITE], responses=documented(PersonNotFound))
def end_person(person_id: PersonId, datastore: Datastore, response: Response) -> PersonOut:
    """End a member of staff, and with it their teaching and advising. The row stays."""
    ended = datastore.roster.end(RosterKind.PERSON, person_id)
    return PersonOut.model_validate(shown(ended, response))


@router.get(
    "/{person_id}/classes", dependencies=[READ], responses=LISTING | documented(PersonNotFound)
)
def list_classes_of_person(
    person_id: PersonId,
    datastore: Datastore,
    as_of: AsOf = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[TeachingOut]:
    """Return the assignments of the person to classes on a day, by class."""
    page = datastore.roster.search_relations(
        RosterKind.TEACHING,
        ("person_id", person_id),
        as_of=as_of,
        include_ended=include_ended,
        after=after,
        limit=limit,
    )
    return PageOut[TeachingOut].of(page)
