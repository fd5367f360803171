"""Routes of the students and staff of a class."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import Enrolment, RosterKind, Teaching
from staffstuddash_service.errors import (
    ClassNotFound,
    PersonNotFound,
    RecordInvalid,
    RelationNotFound,
    RosterEnded,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import ClassId, PersonId, StudentId
from staffstuddash_service.routes.roster.parameters import AsOf, IncludeEnded, new_row, shown
from staffstuddash_service.schemas.roster.relations import (
    EnrolmentOut,
    RelationReplacement,
    TeachingOut,
    TeachingReplacement,
)
from staffstuddash_service.term_errors import ClassArchived

router = APIRouter(prefix="/classes/{class_id}", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("/students", dependencies=[READ], responses=LISTING | documented(ClassNotFound))
def list_class_students(
    class_id: ClassId,
    datastore: Datastore,
    as_of: AsOf = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[EnrolmentOut]:
    """Return the enrolments in the class on a day, by student."""
    page = datastore.roster.search_relations(
        RosterKind.ENROLMENT,
        ("class_id", class_id),
        as_of=as_of,
        include_ended=include_ended,
        after=after,
        limit=limit,
    )
    return PageOut[EnrolmentOut].of(page)


@router.put(
    "/students/{student_id}",
    dependencies=[WRITE],
    responses=documented(
        ClassNotFound,
        StudentNotFound,
        StudentErased,
        StudentMerged,
        RosterEnded,
        ClassArchived,
        RecordInvalid,
        InvalidRequest,
    )
    | new_row(EnrolmentOut),
)
def enrol_student(
    class_id: ClassId,
    student_id: StudentId,
    new: RelationReplacement,
    datastore: Datastore,
    response: Response,
) -> EnrolmentOut:
    """Enrol a student, or change the days of the present enrolment; an ended one stays."""
    enrolment = Enrolment("", student_id, class_id, new.valid_from, new.valid_to)
    return EnrolmentOut.model_validate(shown(datastore.roster.relate(enrolment), response))


@router.delete(
    "/students/{student_id}",
    dependencies=[WRITE],
    responses=documented(StudentNotFound, RelationNotFound, StudentErased, StudentMerged),
)
def end_enrolment(
    class_id: ClassId, student_id: StudentId, datastore: Datastore, response: Response
) -> EnrolmentOut:
    """End the enrolment today; it stays as history."""
    ended = datastore.roster.separate(
        RosterKind.ENROLMENT, class_id=class_id, student_id=student_id
    )
    return EnrolmentOut.model_validate(shown(ended, response))


@router.get(
    "/staff",
    dependencies=[needs(Permission.ROSTER_READ)],
    responses=LISTING | documented(ClassNotFound),
)
def list_class_staff(
    class_id: ClassId,
    datastore: Datastore,
    as_of: AsOf = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[TeachingOut]:
    """Return the staff of the class on a day, by person."""
    page = datastore.roster.search_relations(
        RosterKind.TEACHING,
        ("class_id", class_id),
        as_of=as_of,
        include_ended=include_ended,
        after=after,
        limit=limit,
    )
    return PageOut[TeachingOut].of(page)


@router.put(
    "/staff/{person_id}",
    dependencies=[WRITE],
    responses=documented(
        ClassNotFound, PersonNotFound, RosterEnded, ClassArchived, RecordInvalid, InvalidRequest
    )
    | new_row(TeachingOut),
)
def assign_teacher(
    class_id: ClassId,
    person_id: PersonId,
    new: TeachingReplacement,
    datastore: Datastore,
    response: Response,
) -> TeachingOut:
    """Assign a member of staff to the class, or change the present assignment."""
    teaching = Teaching(
        "", person_id, class_id, new.valid_from, new.valid_to, is_primary=new.is_primary
    )
    return TeachingOut.model_validate(shown(datastore.roster.relate(teaching), response))


@router.delete("/staff/{person_id}", dependencies=[WRITE], responses=documented(RelationNotFound))
def end_teaching(
    class_id: ClassId, person_id: PersonId, datastore: Datastore, response: Response
) -> TeachingOut:
    """End the assignment today; it stays as history."""
    ended = datastore.roster.separate(RosterKind.TEACHING, class_id=class_id, person_id=person_id)
    return TeachingOut.model_validate(shown(ended, response))
