"""Routes of marks that are not in staffstuddash."""

from fastapi import APIRouter, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import AssessmentExists, StudentErased
from dropout_service.routes.filters import (
    ASSESSMENTS,
    OF_A_STUDENT,
    AssessmentFilters,
)
from dropout_service.routes.path_parameters import StudentId
from dropout_service.schemas.assessments import AssessmentOut, NewAssessment
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import READ, Writer
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(tags=["assessments"], route_class=AdmittedRoute)


@router.post("/assessments", status_code=201, responses=documented(AssessmentExists, StudentErased))
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
