"""Routes of drafts."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, PageOut
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import DraftExists, StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.routes.filters import LISTING, DraftFilters
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.drafts import DraftOut, NewDraft

router = APIRouter(
    prefix="/students/{student_id}/drafts", tags=["drafts"], route_class=AdmittedRoute
)

READ = needs(Permission.DRAFTS_READ)
Writer = Annotated[Principal, needs(Permission.DRAFTS_WRITE)]

ABSENT = documented(StudentNotFound, StudentErased, StudentMerged)

# Each draft has its whole text, which may be long.
FewLimit = Annotated[int, Query(ge=1, le=100, description="How many items at most.")]


@router.post("", status_code=201, responses=documented(StudentNotFound, StudentErased, DraftExists))
def add_draft(
    student_id: StudentId,
    new: NewDraft,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> DraftOut:
    """Store the next version of a text; its comparison is a hint for a talk, no verdict."""
    draft = datastore.drafts.add(
        student_id,
        new.assignment_id,
        new.content,
        timestamp=new.timestamp,
        draft_id=row_id(new.id, key, principal),
    )
    mark_replay(response, is_replay=draft.is_replay)
    return DraftOut.model_validate(draft)


@router.get("", dependencies=[READ], responses=ABSENT | LISTING)
def list_student_drafts(
    student_id: StudentId,
    datastore: Datastore,
    filters: DraftFilters,
    after: After = None,
    limit: FewLimit = 20,
) -> PageOut[DraftOut]:
    """Return the student's drafts, the latest first."""
    page = datastore.drafts.search_by_student(student_id, filters=filters, after=after, limit=limit)
    return PageOut[DraftOut].of(page)
