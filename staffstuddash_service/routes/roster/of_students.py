"""Routes of the classes, guardians, identifiers and demographics of a student."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import (
    DemographicsNotFound,
    GuardianExists,
    IdentifierExists,
    RecordInvalid,
    RepeatedInBatch,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.routes.roster.parameters import AsOf, IncludeEnded, new_row, shown
from staffstuddash_service.schemas.roster.descriptions import (
    DemographicsOut,
    DemographicsReplacement,
    GuardiansOut,
    GuardiansReplacement,
    IdentifiersOut,
    IdentifiersReplacement,
)
from staffstuddash_service.schemas.roster.relations import EnrolmentOut

router = APIRouter(prefix="/students/{student_id}", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.STUDENTS_WRITE)
DEMOGRAPHICS = needs(Permission.DEMOGRAPHICS)

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.get("/classes", dependencies=[READ], responses=LISTING | ABSENT)
def list_student_classes(
    student_id: StudentId,
    datastore: Datastore,
    as_of: AsOf = None,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[EnrolmentOut]:
    """Return the enrolments of the student on a day, by class."""
    page = datastore.roster.search_relations(
        RosterKind.ENROLMENT,
        ("student_id", student_id),
        as_of=as_of,
        include_ended=include_ended,
        after=after,
        limit=limit,
    )
    return PageOut[EnrolmentOut].of(page)


@router.get("/guardians", dependencies=[READ], responses=ABSENT)
def list_guardians(student_id: StudentId, datastore: Datastore) -> GuardiansOut:
    """Return all guardians of the student."""
    rows = datastore.student_descriptions.list_of_student(RosterKind.GUARDIAN, student_id)
    return GuardiansOut.model_validate({"items": rows}, from_attributes=True)


@router.put(
    "/guardians",
    dependencies=[WRITE],
    responses=ABSENT | documented(GuardianExists, RepeatedInBatch, RecordInvalid, InvalidRequest),
)
def replace_guardians(
    student_id: StudentId, new: GuardiansReplacement, datastore: Datastore
) -> GuardiansOut:
    """Replace all guardians of the student; those not named are deleted."""
    rows = datastore.student_descriptions.replace_of_student(
        RosterKind.GUARDIAN, student_id, [item.record(student_id) for item in new.items]
    )
    return GuardiansOut.model_validate({"items": rows}, from_attributes=True)


@router.get("/identifiers", dependencies=[READ], responses=ABSENT)
def list_identifiers(student_id: StudentId, datastore: Datastore) -> IdentifiersOut:
    """Return the ids, accounts and mailboxes of the student in other systems."""
    rows = datastore.student_descriptions.list_of_student(RosterKind.IDENTIFIER, student_id)
    return IdentifiersOut.model_validate({"items": rows}, from_attributes=True)


@router.put(
    "/identifiers",
    dependencies=[WRITE],
    responses=ABSENT | documented(IdentifierExists, RecordInvalid, InvalidRequest),
)
def replace_identifiers(
    student_id: StudentId, new: IdentifiersReplacement, datastore: Datastore
) -> IdentifiersOut:
    """Replace all identifiers of the student; those not named are deleted."""
    rows = datastore.student_descriptions.replace_of_student(
        RosterKind.IDENTIFIER, student_id, [item.record(student_id) for item in new.items]
    )
    return IdentifiersOut.model_validate({"items": rows}, from_attributes=True)


@router.get(
    "/demographics",
    dependencies=[DEMOGRAPHICS],
    responses=ABSENT | documented(DemographicsNotFound),
)
def get_demographics(student_id: StudentId, datastore: Datastore) -> DemographicsOut:
    """Return the demographics of the student, which only the audit of fairness uses."""
    row = datastore.student_descriptions.get_demographics(student_id)
    return DemographicsOut.model_validate(row)


@router.put(
    "/demographics",
    dependencies=[DEMOGRAPHICS],
    responses=ABSENT | documented(RecordInvalid, InvalidRequest) | new_row(DemographicsOut),
)
def replace_demographics(
    student_id: StudentId, new: DemographicsReplacement, datastore: Datastore, response: Response
) -> DemographicsOut:
    """Replace the demographics of the student."""
    replaced = datastore.roster.replace(new.record(student_id))
    return DemographicsOut.model_validate(shown(replaced, response))


@router.delete("/demographics", status_code=204, dependencies=[DEMOGRAPHICS], responses=ABSENT)
def delete_demographics(student_id: StudentId, datastore: Datastore, response: Response) -> None:
    """Delete the demographics of the student."""
    is_deleted = datastore.student_descriptions.delete_demographics(student_id)
    mark_replay(response, is_replay=not is_deleted)
