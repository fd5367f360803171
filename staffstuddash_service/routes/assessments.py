"""Routes of assessments."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.fields import Reason
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.datastore import AssessmentToStore
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import (
    AssessmentDeleted,
    AssessmentExists,
    AssessmentNotFound,
    ScoreOutOfRange,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import LISTING, AssessmentFilters
from staffstuddash_service.routes.path_parameters import AssessmentId, StudentId
from staffstuddash_service.schemas.assessments import (
    AssessmentChange,
    AssessmentDeletionOut,
    AssessmentOut,
    NewAssessment,
)

router = APIRouter(tags=["assessments"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
WRITE = needs(Permission.MARKS_WRITE)
Writer = Annotated[Principal, WRITE]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)


DeletionReason = Annotated[
    Reason,
    Query(
        description="For the action log. Name nobody: proxies may log addresses.",
        examples=["sent twice"],
    ),
]


@router.post(
    "/assessments",
    status_code=201,
    responses=documented(StudentNotFound, StudentErased, AssessmentExists, AssessmentDeleted),
)
def add_assessment(
    new: NewAssessment,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> AssessmentOut:
    """Store an assessment and update the student's performance in the same transaction."""
    assessment = datastore.assessments.add(
        **new.model_dump(exclude={"id"}), assessment_id=row_id(new.id, key, principal)
    )
    mark_replay(response, is_replay=assessment.is_replay)
    return AssessmentOut.model_validate(assessment)


@router.post("/assessments/batch", dependencies=[WRITE], **batch_route(NewAssessment))
async def add_assessments(request: Request, datastore: Datastore) -> Response:
    """Store assessments in one transaction, each with its outcome."""

    def store(batch: Batch[NewAssessment]) -> BatchOut:
        assessments = [AssessmentToStore(**fields) for fields in batch.fields()]
        return batch.answer(datastore.assessments.add_many(assessments), "student_id")

    return await handle_batch(request, NewAssessment, store)


@router.patch(
    "/assessments/{assessment_id}",
    responses=documented(AssessmentNotFound, AssessmentDeleted, StudentErased, ScoreOutOfRange),
)
def change_assessment(
    assessment_id: AssessmentId, change: AssessmentChange, datastore: Datastore, principal: Writer
) -> AssessmentOut:
    """Correct an assessment and update the student's performance; the reason is logged."""
    changes = change.model_dump(exclude_unset=True, exclude={"reason"})
    assessment = datastore.assessments.update(
        assessment_id, changes, actor=principal.name, reason=change.reason
    )
    return AssessmentOut.model_validate(assessment)


@router.delete(
    "/assessments/{assessment_id}", responses=documented(AssessmentNotFound, StudentErased)
)
def delete_assessment(
    assessment_id: AssessmentId,
    reason: DeletionReason,
    datastore: Datastore,
    principal: Writer,
    response: Response,
) -> AssessmentDeletionOut:
    """Delete an assessment and update the student's performance; the reason is logged.

    The id is refused with 410 from then on. A repeated request has the same answer.
    """
    deleted, is_replay = datastore.assessments.delete(
        assessment_id, actor=principal.name, reason=reason
    )
    mark_replay(response, is_replay=is_replay)
    return AssessmentDeletionOut.model_validate(deleted)


@router.get("/students/{student_id}/assessments", dependencies=[READ], responses=ABSENT | LISTING)
def list_student_assessments(
    student_id: StudentId,
    datastore: Datastore,
    filters: AssessmentFilters,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[AssessmentOut]:
    """Return the student's assessments, the latest first."""
    page = datastore.assessments.search_by_student(
        student_id, filters=filters, after=after, limit=limit
    )
    return PageOut[AssessmentOut].of(page)
