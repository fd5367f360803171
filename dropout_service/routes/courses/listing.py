"""Routes of courses and of the risks of their students."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, Field

from dropout_service.database.course_risks.history import MAX_WEEKS
from dropout_service.dependencies import Manager
from dropout_service.errors import CourseNotFound
from dropout_service.routes.filters import LISTING, CourseRiskFilters
from dropout_service.routes.path_parameters import Course
from dropout_service.schemas.course_risks import BriefRisksOut, View
from dropout_service.schemas.courses import CourseActivityOut, CourseOut
from dropout_service.schemas.predictions import PredictionOut
from shared_db.queries.pagination import MalformedCursor, PageOptions
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import split_at_commas
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.fields import Id

MOST_STUDENTS = 1000
StudentIds = Annotated[
    Annotated[
        list[Id], Field(min_length=1, max_length=MOST_STUDENTS), BeforeValidator(split_at_commas)
    ],
    Query(
        alias="student_id__in",
        description="Only these students; separated by commas, or repeated.",
    ),
]

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
    course: Course,
    manager: Manager,
    filters: CourseRiskFilters,
    view: Annotated[View, Query(description="`brief`: two reasons and one advice.")] = View.FULL,
    history: Annotated[
        int,
        Query(ge=0, le=MAX_WEEKS, description="Earlier weeks in the history; `view=brief` alone."),
    ] = 0,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[PredictionOut] | BriefRisksOut:
    """Return the latest predictions of the course's enrolments, the highest risk first.

    For a class of the roster: those of the students enrolled in it now. If the class has none of
    its own yet, the overall predictions of these students, with another `course`. For a course
    known from events only: the overall ones of the students active in it. With `view=brief` and
    a drawn order (RANDOMISED_ORDER): in that order.
    """
    options: PageOptions = {"filters": filters, "after": after, "limit": limit}
    if history and view is not View.BRIEF:
        why = {"type": "filter", "loc": ("query", "history"), "msg": "is for view=brief alone"}
        raise RequestValidationError([why])
    if view is View.FULL:
        return PageOut[PredictionOut].of(manager.course_risks.search(course, **options))
    found = manager.course_risks.search_placed(course, history=history, **options)
    return BriefRisksOut.listed(found.page, found.draw)


@router.get(
    "/{course}/activity",
    dependencies=[needs(Permission.STUDENTS_READ)],
    responses=documented(CourseNotFound, InvalidRequest),
)
def list_course_activity(
    course: Course,
    manager: Manager,
    student_ids: StudentIds,
    weeks: Annotated[int, Query(ge=1, le=52, description="The number of weeks.")] = 8,
) -> CourseActivityOut:
    """Return the active days of students in the last weeks of the course, and their coursework."""
    found = manager.course_activity.of_students(course, student_ids, weeks=weeks)
    return CourseActivityOut.model_validate(found)
