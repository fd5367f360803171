"""Routes of the students of an advisor."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import Advising, RosterKind
from staffstuddash_service.errors import (
    PersonNotFound,
    RecordInvalid,
    RelationNotFound,
    RosterEnded,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import PersonId, StudentId
from staffstuddash_service.routes.roster.parameters import AsOf, IncludeEnded, new_row, shown
from staffstuddash_service.schemas.roster.relations import AdvisingOut, RelationReplacement

router = APIRouter(
    prefix="/people/{person_id}/students", tags=["roster"], route_class=AdmittedRoute
)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("", dependencies=[READ], responses=LISTING | documented(PersonNotFound))
def list_advised_students(
    person_id: PersonId,
    datastore: Datastore,
    as_of: AsOf = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[AdvisingOut]:
    """Return the students of the advisor on a day, by student."""
    page = datastore.roster.search_relations(
        RosterKind.ADVISING,
        ("person_id", person_id),
        as_of=as_of,
        include_ended=include_ended,
        after=after,
        limit=limit,
    )
    return PageOut[AdvisingOut].of(page)


@router.put(
    "/{student_id}",
    dependencies=[WRITE],
    responses=documented(
        PersonNotFound,
        StudentNotFound,
        StudentErased,
        StudentMerged,
        RosterEnded,
        RecordInvalid,
        InvalidRequest,
    )
    | new_row(AdvisingOut),
)
def assign_advisor(
    person_id: PersonId,
    student_id: StudentId,
    new: RelationReplacement,
    datastore: Datastore,
    response: Response,
) -> AdvisingOut:
    """Assign the student to the advisor, or change the days of the present assignment."""
    advising = Advising("", person_id, student_id, new.valid_from, new.valid_to)
    return AdvisingOut.model_validate(shown(datastore.roster.relate(advising), response))


@router.delete(
    "/{student_id}",
    dependencies=[WRITE],
    responses=documented(StudentNotFound, RelationNotFound, StudentErased, StudentMerged),
)
def end_advising(
    person_id: PersonId, student_id: StudentId, datastore: Datastore, response: Response
) -> AdvisingOut:
    """End the assignment today; it stays as history."""
    ended = datastore.roster.separate(
        RosterKind.ADVISING, person_id=person_id, student_id=student_id
    )
    return AdvisingOut.model_validate(shown(ended, response))
