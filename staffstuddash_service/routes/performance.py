"""What students' marks and drafts add up to."""

from fastapi import APIRouter

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import READ
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import StudentErased, StudentNotFound
from staffstuddash_service.routes.filters import LISTING, RecordFilters, StudentId
from staffstuddash_service.schemas.performance import PerformanceOut

router = APIRouter(tags=["performance"], route_class=AdmittedRoute)


@router.get(
    "/students/{student_id}/performance",
    dependencies=[READ],
    responses=documented(StudentNotFound, StudentErased),
)
def get_performance(student_id: StudentId, datastore: Datastore) -> PerformanceOut:
    """Return what the student's marks and drafts add up to."""
    return PerformanceOut.model_validate(datastore.get_performance_record(student_id))


@router.get("/performance-records", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_performance_records(
    datastore: Datastore, filters: RecordFilters, after: After = None, limit: Limit = 100
) -> PageOut[PerformanceOut]:
    """Return the records of all students by id."""
    page = datastore.get_performance_records(filters=filters, after=after, limit=limit)
    return PageOut[PerformanceOut].of(page)
