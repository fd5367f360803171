"""Assessments as they come in."""

from fastapi import APIRouter, Response

from shared_web.access import Writer
from shared_web.idempotency import IdempotencyKey, mark_replay, row_id
from shared_web.problems import documented
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import AssessmentExists, StudentNotFound
from staffstuddash_service.schemas import AssessmentOut, NewAssessment

router = APIRouter(prefix="/assessments", tags=["assessments"])


@router.post("", status_code=201, responses=documented(StudentNotFound, AssessmentExists))
def add_assessment(
    new: NewAssessment,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> AssessmentOut:
    """Store an assessment and update the student's performance in the same transaction."""
    assessment = datastore.add_assessment(
        **new.model_dump(exclude={"id"}), assessment_id=row_id(new.id, key, principal)
    )
    mark_replay(response, is_repeat=assessment.is_repeat)
    return AssessmentOut.model_validate(assessment)
