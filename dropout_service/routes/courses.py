"""Courses, and who of each is at risk."""

from fastapi import APIRouter

from dropout_service.dependencies import Manager
from dropout_service.errors import CourseNotFound
from dropout_service.routes.filters import LISTING, Course
from dropout_service.schemas import CourseOut, PredictionOut
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import READ
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut

router = APIRouter(prefix="/courses", tags=["courses"], route_class=AdmittedRoute)


@router.get("", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def list_courses(manager: Manager, after: After = None, limit: Limit = 100) -> PageOut[CourseOut]:
    """Return the courses that were brought in, by id, with how many are enrolled."""
    return PageOut[CourseOut].of(manager.get_courses(after=after, limit=limit))


@router.get(
    "/{course}/risks",
    dependencies=[READ],
    responses=LISTING | documented(CourseNotFound),
)
def list_course_risks(
    course: Course, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[PredictionOut]:
    """Return the latest predictions of the course's enrolments, the highest risk first.

    Of a course that only events tell of: the overall ones of the students active in it.
    """
    page = manager.get_course_risks(course, after=after, limit=limit)
    return PageOut[PredictionOut].of(page)
