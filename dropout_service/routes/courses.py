"""Routes of courses and of the risks of their students."""

from fastapi import APIRouter

from dropout_service.dependencies import Manager
from dropout_service.errors import CourseNotFound
from dropout_service.routes.filters import LISTING
from dropout_service.routes.path_parameters import Course
from dropout_service.schemas.courses import CourseOut
from dropout_service.schemas.predictions import PredictionOut
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut

router = APIRouter(prefix="/courses", tags=["courses"], route_class=AdmittedRoute)


@router.get(
    "",
    dependencies=[needs(Permission.ROSTER_READ)],
    responses=documented(InvalidRequest, MalformedCursor),
)
def list_courses(manager: Manager, after: After = None, limit: Limit = 100) -> PageOut[CourseOut]:
    """Return courses by id, imported ones and classes, with the numbers of their enrolments."""
    return PageOut[CourseOut].of(manager.courses.search(after=after, limit=limit))


@router.get(
    "/{course}/risks",
    dependencies=[needs(Permission.PREDICTIONS_READ)],
    responses=LISTING | documented(CourseNotFound),
)
def list_course_risks(
    course: Course, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[PredictionOut]:
    """Return the latest predictions of the course's enrolments, the highest risk first.

    For a class of the roster: those of the students enrolled in it now. If the class has none of
    its own yet, the overall predictions of these students, with another `course`. For a course
    known from events only: the overall ones of the students active in it.
    """
    page = manager.predictions.search_course(course, after=after, limit=limit)
    return PageOut[PredictionOut].of(page)
