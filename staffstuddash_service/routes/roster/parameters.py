"""Filters and other parameters of the roster, and the parts that its answers share."""

from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel

from shared_db.queries.filters import Filter
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import FilterSet, choice, number, text
from shared_web.requests.fields import Id, Term
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.datastore.roster.store import Replaced
from staffstuddash_service.domain.roster import ClassType, OrganisationType, StaffRole, TermType
from staffstuddash_service.errors import RecordInvalid, UnknownReference
from staffstuddash_service.routes.filters import MOST_IDS, IdsIn
from staffstuddash_service.schemas.roster.fields import Day

THESE_PEOPLE = f"Only these people, at most {MOST_IDS}; separated by commas, or repeated."

ORGANISATIONS = FilterSet(
    text("name"),
    choice("type", OrganisationType),
    text("identifier"),
    text("parent_id"),
    text("source"),
)
TERMS = FilterSet(
    text("title"),
    choice("type", TermType),
    number("school_year"),
    text("parent_id"),
    text("source"),
)
COURSES = FilterSet(text("title"), text("code"), text("organisation_id"), text("source"))
CLASSES = FilterSet(
    text("title"),
    choice("type", ClassType),
    text("code"),
    text("course_id"),
    text("organisation_id"),
    text("source"),
)
PEOPLE = FilterSet(
    text("name"), choice("role", StaffRole), text("email"), text("username"), text("source")
)

OrganisationFilters = Annotated[tuple[Filter, ...], Depends(ORGANISATIONS)]
TermFilters = Annotated[tuple[Filter, ...], Depends(TERMS)]
CourseFilters = Annotated[tuple[Filter, ...], Depends(COURSES)]
ClassFilters = Annotated[tuple[Filter, ...], Depends(CLASSES)]
PersonFilters = Annotated[tuple[Filter, ...], Depends(PEOPLE)]

IncludeEnded = Annotated[bool, Query(description="`true`: also those that have ended.")]
AsOf = Annotated[Day | None, Query(description="Those of this day; by default today.")]
InTerm = Annotated[Id | None, Query(description="Only classes of this term.")]
InOrganisation = Annotated[Id | None, Query(description="Only members of this organisation.")]
PersonSearch = Annotated[
    Term | None, Query(description="A part of the name or e-mail; case is ignored.")
]
PersonIdIn = Annotated[IdsIn | None, Query(alias="id__in", description=THESE_PEOPLE)]

REFERRING = documented(InvalidRequest, UnknownReference, RecordInvalid)


def new_row(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the answer 201 of a PUT."""
    return {201: {"model": model, "description": "It is new."}}


def shown(replaced: Replaced, response: Response) -> Any:
    """Return the row for the answer, which is 201 if it is new, or marked as a replay."""
    if replaced.is_new:
        response.status_code = 201
    mark_replay(response, is_replay=replaced.is_replay)
    return replaced.row
