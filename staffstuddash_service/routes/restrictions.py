"""Routes of the restriction of a student: an objection to being assessed."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import (
    RestrictionNotFound,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.restrictions import RestrictionOut, RestrictionReplacement

router = APIRouter(
    prefix="/students/{student_id}/restriction", tags=["students"], route_class=AdmittedRoute
)

WRITE = needs(Permission.STUDENTS_WRITE)
Writer = Annotated[Principal, WRITE]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


@router.get("", dependencies=[WRITE], responses=ABSENT | documented(RestrictionNotFound))
def get_restriction(student_id: StudentId, datastore: Datastore) -> RestrictionOut:
    """Return the restriction of the student with its reason."""
    return RestrictionOut.model_validate(datastore.restrictions.get(student_id))


@router.put("", responses=ABSENT)
def restrict_student(
    student_id: StudentId,
    new: RestrictionReplacement,
    datastore: Datastore,
    principal: Writer,
    response: Response,
) -> RestrictionOut:
    """Restrict the student: no judgement, features or predictions, and no place in their lists.

    Marks and events are stored as before. An equal restriction changes nothing.
    """
    row, is_replay = datastore.restrictions.put(student_id, new.reason, actor=principal.name)
    mark_replay(response, is_replay=is_replay)
    return RestrictionOut.model_validate(row)


@router.delete("", status_code=204, responses=ABSENT | documented(RestrictionNotFound))
def lift_restriction(student_id: StudentId, datastore: Datastore, principal: Writer) -> None:
    """Lift the restriction; the next run of the predictions assesses the student again."""
    datastore.restrictions.lift(student_id, actor=principal.name)
