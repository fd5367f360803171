"""Routes of marks that are not in staffstuddash."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import (
    AssessmentDeleted,
    AssessmentExists,
    AssessmentNotFound,
    ScoreOutOfRange,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from dropout_service.routes.filters import (
    ASSESSMENTS,
    OF_A_STUDENT,
    AssessmentFilters,
)
from dropout_service.routes.path_parameters import AssessmentId, StudentId
from dropout_service.schemas.assessments import (
    AssessmentChange,
    AssessmentDeletionOut,
    AssessmentOut,
    CorrectionOut,
    NewAssessment,
)
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.fields import Reason
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(tags=["assessments"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
Writer = Annotated[Principal, needs(Permission.MARKS_WRITE)]


DeletionReason = Annotated[
    Reason,
    Query(description="Name nobody: proxies may log addresses.", examples=["sent twice"]),
]


@router.post(
    "/assessments",
    status_code=201,
    responses=documented(AssessmentExists, AssessmentDeleted, StudentErased),
)
def add_assessment(
    new: NewAssessment,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> AssessmentOut:
    """Store a mark. A repeated request gets the same answer; other content under its id, 409."""
    sent = dict(new)
    assessment = manager.assessments.add(
        assessment_id=row_id(sent.pop("id"), key, principal), **sent
    )
    mark_replay(response, is_replay=assessment.is_replay)
    return AssessmentOut.model_validate(assessment)


@router.patch(
    "/assessments/{assessment_id}",
    responses=documented(AssessmentNotFound, AssessmentDeleted, StudentErased, ScoreOutOfRange),
)
def change_assessment(
    assessment_id: AssessmentId, change: AssessmentChange, manager: Manager, principal: Writer
) -> AssessmentOut:
    """Correct a mark that is stored here; the correction is kept with its reason."""
    changes = change.model_dump(exclude_unset=True, exclude={"reason"})
    assessment = manager.assessments.update(
        assessment_id, changes, actor=principal.name, reason=change.reason
    )
    return AssessmentOut.model_validate(assessment)


@router.delete(
    "/assessments/{assessment_id}", responses=documented(AssessmentNotFound, StudentErased)
)
def delete_assessment(
    assessment_id: AssessmentId,
    reason: DeletionReason,
    manager: Manager,
    principal: Writer,
    response: Response,
) -> AssessmentDeletionOut:
    """Delete a mark that is stored here; the deletion is kept with its reason.

    The id is refused with 410 from then on. A repeated request has the same answer.
    """
    deleted, is_replay = manager.assessments.delete(
        assessment_id, actor=principal.name, reason=reason
    )
    mark_replay(response, is_replay=is_replay)
    return AssessmentDeletionOut.model_validate(deleted)


@router.get(
    "/students/{student_id}/corrections",
    dependencies=[READ],
    responses=documented(
        StudentNotFound, StudentErased, StudentMerged, InvalidRequest, MalformedCursor
    ),
)
def list_student_corrections(
    student_id: StudentId, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[CorrectionOut]:
    """Return the corrections of the student's marks that are stored here, the latest first."""
    page = manager.assessments.search_corrections(student_id, after=after, limit=limit)
    return PageOut[CorrectionOut].of(page)


@router.get(
    "/students/{student_id}/assessments",
    dependencies=[READ],
    responses=OF_A_STUDENT,
    openapi_extra=ASSESSMENTS.openapi_extra,
)
def list_student_assessments(
    student_id: StudentId,
    manager: Manager,
    filters: AssessmentFilters,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[AssessmentOut]:
    """Return the marks of the student that are stored here, the latest first."""
    page = manager.assessments.search(student_id, filters=filters, after=after, limit=limit)
    return PageOut[AssessmentOut].of(page)
