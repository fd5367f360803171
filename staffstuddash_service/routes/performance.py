"""Routes of performance records."""

from fastapi import APIRouter

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.datastore.memberships import Members
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.routes.filters import LISTING, OfClass, OfPerson, RecordFilters
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.performance import PerformanceOut

router = APIRouter(tags=["performance"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)


@router.get(
    "/students/{student_id}/performance",
    dependencies=[READ],
    responses=documented(StudentNotFound, StudentErased, StudentMerged),
)
def get_performance(student_id: StudentId, datastore: Datastore) -> PerformanceOut:
    """Return the student's performance record, computed from assessments and drafts."""
    return PerformanceOut.model_validate(datastore.performance.get(student_id))


@router.get("/performance-records", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_performance_records(
    datastore: Datastore,
    filters: RecordFilters,
    class_id: OfClass = None,
    person_id: OfPerson = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[PerformanceOut]:
    """Return the records of all students by id, or of those of a class or a person."""
    page = datastore.performance.search(
        members=Members(class_id, person_id), filters=filters, after=after, limit=limit
    )
    return PageOut[PerformanceOut].of(page)
