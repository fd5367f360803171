"""Routes of legal holds."""

from typing import Annotated

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import (
    HoldNotFound,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.holds import HoldOut, HoldReplacement

router = APIRouter(
    prefix="/students/{student_id}/hold", tags=["students"], route_class=AdmittedRoute
)

Eraser = Annotated[Principal, needs(Permission.ERASE)]
ABSENT = (StudentNotFound, StudentErased, StudentMerged)


@router.get("", dependencies=[needs(Permission.ERASE)], responses=documented(*ABSENT, HoldNotFound))
def get_hold(student_id: StudentId, datastore: Datastore) -> HoldOut:
    """Return the legal hold of the student."""
    return HoldOut.model_validate(datastore.holds.get(student_id))


@router.put("", responses=documented(*ABSENT))
def hold_student(
    student_id: StudentId,
    new: HoldReplacement,
    datastore: Datastore,
    principal: Eraser,
    response: Response,
) -> HoldOut:
    """Hold the student: nothing is deleted by age or erased until the hold is lifted."""
    hold, is_replay = datastore.holds.put(student_id, new.reason, actor=principal.name)
    mark_replay(response, is_replay=is_replay)
    return HoldOut.model_validate(hold)


@router.delete("", responses=documented(*ABSENT, HoldNotFound))
def lift_hold(student_id: StudentId, datastore: Datastore, principal: Eraser) -> HoldOut:
    """Lift the hold, and return it. Rows that are due are deleted with the next run."""
    return HoldOut.model_validate(datastore.holds.lift(student_id, actor=principal.name))
