"""Routes of the dashboards: teacher, student and cohort."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from shared_db.errors import GroupTooSmall, NeedsPostgresql
from shared_db.queries.filters import Filter
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import Forbidden, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE, EXPENSIVE_IF_SEARCHED
from shared_web.requests.fields import Id, Instant
from shared_web.whole_school.routes import WHOLE_SCHOOL
from staffstuddash_service.datastore.dashboards.teacher import RISK_FIELDS
from staffstuddash_service.datastore.memberships import Members
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.errors import (
    GroupTooLarge,
    InstantUnknown,
    StudentErased,
    StudentMerged,
    StudentNotFound,
)
from staffstuddash_service.routes.filters import (
    LISTING,
    DashboardFilters,
    OfClass,
    OfCourse,
    OfPerson,
    Search,
    StudentIdIn,
    Timezone,
)
from staffstuddash_service.routes.path_parameters import StudentId
from staffstuddash_service.schemas.dashboards import CohortOut, DashboardRowOut, StudentDashboardOut

router = APIRouter(prefix="/dashboard", tags=["dashboard"], route_class=AdmittedRoute)

READ = needs(Permission.STUDENTS_READ)
Reader = Annotated[Principal, READ]

R = TypeVar("R", DashboardRowOut, StudentDashboardOut)

RISK_HIDDEN = f"needs {Permission.PREDICTIONS_READ}"

Sort = Annotated[
    Order, Query(description="`-` for the highest or latest first; no value is always last.")
]


OfCohort = Annotated[
    Id | None, Query(description="Only the students of this course or class, on that day.")
]
AsOf = Annotated[
    Instant | None,
    Query(description="An earlier instant, from the marks, drafts and actions up to then."),
]


@router.get(
    "/teacher",
    dependencies=[EXPENSIVE_IF_SEARCHED],
    responses=LISTING | documented(NeedsPostgresql, Forbidden),
)
def get_teacher_dashboard(
    datastore: Datastore,
    caller: Reader,
    filters: DashboardFilters,
    search: Search = None,
    class_id: OfClass = None,
    person_id: OfPerson = None,
    student_id__in: StudentIdIn = None,
    course: OfCourse = None,
    sort: Sort = Order.STUDENT_ID,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[DashboardRowOut]:
    """Return a row for each student: performance, hints, dropout risk, last action."""
    if not caller.may(Permission.PREDICTIONS_READ):
        _refuse_risk(sort, filters)
    page = datastore.teacher_dashboard.search(
        order=sort,
        filters=filters,
        search=search,
        members=Members(class_id, person_id, student_id__in),
        course=course,
        after=after,
        limit=limit,
    )
    rows = PageOut[DashboardRowOut].of(page)
    return rows.model_copy(update={"items": [_seen_by(caller, row) for row in rows.items]})


@router.get(
    "/student/{student_id}",
    responses=documented(StudentNotFound, StudentErased, StudentMerged),
)
def get_student_dashboard(
    student_id: StudentId, datastore: Datastore, caller: Reader
) -> StudentDashboardOut:
    """Return the dashboard of one student: performance, concepts, latest dropout risk."""
    found = StudentDashboardOut.model_validate(datastore.student_dashboard.get(student_id))
    return _seen_by(caller, found)


@router.get(
    "/cohort",
    dependencies=[READ, EXPENSIVE, WHOLE_SCHOOL],
    responses=documented(GroupTooSmall, InstantUnknown, GroupTooLarge),
)
def get_cohort_dashboard(
    datastore: Datastore,
    timezone: Timezone = "UTC",
    course: OfCohort = None,
    as_of: AsOf = None,
) -> CohortOut:
    """Return the figures of all students together, or of a course, and hints at material."""
    cohort = datastore.cohort_dashboard.find(course=course, as_of=as_of, zone=ZoneInfo(timezone))
    return CohortOut.model_validate(cohort)


def _refuse_risk(sort: Order, filters: Sequence[Filter]) -> None:
    if sort.is_by_risk or any(one.field in RISK_FIELDS for one in filters):
        raise Forbidden(
            f"To sort or filter by risk the caller needs `{Permission.PREDICTIONS_READ}`."
        )


def _seen_by(caller: Principal, row: R) -> R:
    """Return the row without its risk for a caller who may not read predictions: a student."""
    if caller.may(Permission.PREDICTIONS_READ):
        return row
    return row.model_copy(update={"risk": None, "risk_missing_because": RISK_HIDDEN})
