"""Route of the reads of a student's data."""

from typing import Annotated

from fastapi import APIRouter

from shared_db.queries.pagination import MalformedCursor
from shared_web.audit.answers import ReadOut, reads_page
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.routes.path_parameters import StudentId

router = APIRouter(tags=["audit"], route_class=AdmittedRoute)


@router.get(
    "/students/{student_id}/reads",
    responses=documented(StudentNotFound, StudentErased, StudentMerged, MalformedCursor),
)
def list_student_reads(
    student_id: StudentId,
    datastore: Datastore,
    principal: Annotated[Principal, needs(Permission.AUDIT_READ, own="student_id")],
    after: After = None,
    limit: Limit = 100,
) -> PageOut[ReadOut]:
    """Return the requests that showed data of the student, the latest first.

    The student sees them, too, without names: instants, kinds and roles of the callers.
    """
    page = datastore.reads.of_student(student_id, after=after, limit=limit)
    return reads_page(page, principal)
