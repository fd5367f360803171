"""Routes of assessments."""

from fastapi import APIRouter, Request, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import READ, WRITE, Writer
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.datastore import AssessmentToStore
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import AssessmentExists, StudentErased, StudentNotFound
from staffstuddash_service.routes.filters import LISTING, AssessmentFilters
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.assessments import AssessmentOut, NewAssessment

router = APIRouter(tags=["assessments"], route_class=AdmittedRoute)

ABSENT = documented(StudentNotFound, StudentErased)


@router.post("/assessments", status_code=201, responses=ABSENT | documented(AssessmentExists))
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
        assessments = [AssessmentToStore(**dict(item)) for item in batch.valid.values()]
        return batch.answer(datastore.assessments.add_many(assessments), "student_id")

    return await handle_batch(request, NewAssessment, store)


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
