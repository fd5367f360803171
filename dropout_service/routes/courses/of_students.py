"""Routes of the activity and the work of a student in courses."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError

from dropout_service.dependencies import Manager
from dropout_service.domain.activity_buckets import Bucket
from dropout_service.errors import CourseNotFound, StudentErased, StudentMerged, StudentNotFound
from dropout_service.routes.path_parameters import Course, StudentId
from dropout_service.schemas.student_courses import (
    SetWorkOut,
    StudentActivityOut,
    StudentSubmissionOut,
)
from shared_db.clock import utc_now
from shared_db.queries.pagination import Page
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import PageOut
from shared_web.requests.fields import Id

router = APIRouter(tags=["courses"], route_class=AdmittedRoute)

MAX_DAYS = 800
MAX_SINGLE_DAYS = 200
EARLIEST = date(1970, 1, 5)
ABSENT = documented(StudentNotFound, StudentErased, StudentMerged, CourseNotFound, InvalidRequest)

OfCourse = Annotated[Id | None, Query(description="Of this course or class alone.")]


@router.get(
    "/courses/{course}/assessments",
    dependencies=[needs(Permission.ROSTER_READ)],
    responses=documented(CourseNotFound, InvalidRequest),
)
def list_set_work(course: Course, manager: Manager) -> PageOut[SetWorkOut]:
    """Return the work that an imported course sets, by its due day; of others nothing is known."""
    return PageOut[SetWorkOut].of(Page(manager.student_work.search_set(course), None))


@router.get(
    "/students/{student_id}/submissions",
    dependencies=[needs(Permission.STUDENTS_READ)],
    responses=ABSENT,
)
def list_submissions(
    student_id: StudentId, manager: Manager, course: OfCourse = None
) -> PageOut[StudentSubmissionOut]:
    """Return the work of a student with its state, by its due day; of a class its marks."""
    found = manager.student_work.search_submitted(student_id, course=course)
    return PageOut[StudentSubmissionOut].of(Page(found, None))


@router.get(
    "/students/{student_id}/activity",
    dependencies=[needs(Permission.STUDENTS_READ)],
    responses=ABSENT,
)
def get_activity(
    student_id: StudentId,
    manager: Manager,
    course: OfCourse = None,
    bucket: Annotated[Bucket, Query(description="Weeks from Monday on, or days.")] = Bucket.WEEK,
    from_: Annotated[date | None, Query(alias="from", description="First day (UTC).")] = None,
    until: Annotated[date | None, Query(description="Last day (UTC), today at most.")] = None,
) -> StudentActivityOut:
    """Return the active days of a student by week or day, beside the quartiles of the course."""
    _check_days(from_, until, MAX_SINGLE_DAYS if bucket is Bucket.DAY else MAX_DAYS)
    found = manager.student_activity.get(
        student_id, course=course, bucket=bucket, from_=from_, until=until
    )
    return StudentActivityOut.model_validate(found)


def _check_days(first: date | None, last: date | None, most: int) -> None:
    """Reject days before the first event that can be stored, and too long a time."""
    today = utc_now().date()
    for name, day in (("from", first), ("until", last)):
        if day is not None and not EARLIEST <= day <= today.replace(year=today.year + 1, day=1):
            raise _refusal(name, f"must be between {EARLIEST} and today")
    if first is not None and not 0 <= ((last or today) - first).days < most:
        raise _refusal("until", f"must be one of the {most} days from `from` on")


def _refusal(name: str, why: str) -> RequestValidationError:
    return RequestValidationError([{"type": "filter", "loc": ("query", name), "msg": why}])
