"""Routes over all courses: changes near the top, weekly activity, freshness of the data."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from dropout_service.dependencies import Manager
from dropout_service.errors import CourseNotFound
from dropout_service.routes.path_parameters import Course
from dropout_service.schemas.course_risks import CourseChangesOut
from dropout_service.schemas.courses import CourseWeeksOut
from dropout_service.schemas.freshness import FreshnessPageOut
from shared_db.errors import GroupTooSmall
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import MAX_VALUES, split_at_commas
from shared_web.query.pagination import After, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE
from shared_web.requests.fields import Id, PastInstant

router = APIRouter(tags=["courses"], route_class=AdmittedRoute)

READ = needs(Permission.PREDICTIONS_READ)
# Of which activity is shown at once.
MOST_COURSES = 50

Since = Annotated[
    PastInstant | None,
    Query(description="Instant of the comparison, by default 6 days before the latest `as_of`."),
]
Top = Annotated[int, Query(ge=1, le=200, description="Number of first places.")]
Courses = Annotated[
    Annotated[
        list[Id], Field(min_length=1, max_length=MAX_VALUES), BeforeValidator(split_at_commas)
    ]
    | None,
    Query(description="Only these courses; separated by commas, or repeated."),
]
WithReasons = Annotated[bool, Query(description="`reasons` of each student, the main two.")]
WeeklyCourses = Annotated[
    Annotated[
        list[Id], Field(min_length=1, max_length=MOST_COURSES), BeforeValidator(split_at_commas)
    ],
    Query(description="The courses; separated by commas, or repeated.", examples=["5a"]),
]


@router.get(
    "/courses/{course}/changes",
    dependencies=[READ],
    responses=documented(CourseNotFound, InvalidRequest),
)
def get_course_changes(
    course: Course, manager: Manager, since: Since = None, top: Top = 10
) -> CourseChangesOut:
    """Return arrivals at the first places of a course, and departures, with new signs."""
    return CourseChangesOut.model_validate(manager.course_changes.get(course, since=since, top=top))


@router.get("/changes", dependencies=[READ], responses=documented(InvalidRequest, MalformedCursor))
def list_changes(
    manager: Manager,
    since: Since = None,
    top: Top = 10,
    course__in: Courses = None,
    reasons: WithReasons = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of items.")] = 20,
) -> PageOut[CourseChangesOut]:
    """Return the changes of each course with predictions that is not over, by id."""
    page = manager.course_changes.search(
        courses=course__in, since=since, top=top, with_reasons=reasons, after=after, limit=limit
    )
    items = [CourseChangesOut.of(one, with_reasons=reasons) for one in page]
    return PageOut[CourseChangesOut](items=items, next=page.next)


@router.get(
    "/activity",
    dependencies=[needs(Permission.STUDENTS_READ), EXPENSIVE],
    responses=documented(InvalidRequest, GroupTooSmall),
)
def list_weekly_activity(
    manager: Manager,
    course__in: WeeklyCourses,
    weeks: Annotated[int, Query(ge=1, le=26, description="The number of weeks.")] = 9,
) -> CourseWeeksOut:
    """Return the numbers of active students in each of the last weeks, by course."""
    return CourseWeeksOut.model_validate(
        manager.weekly_activity.of_courses(course__in, weeks=weeks)
    )


@router.get(
    "/freshness",
    dependencies=[needs(Permission.ROSTER_READ)],
    responses=documented(InvalidRequest, MalformedCursor),
)
def list_freshness(
    manager: Manager,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of courses.")] = 20,
) -> FreshnessPageOut:
    """Return the last events, submissions, marks and predictions of each course, by course."""
    return FreshnessPageOut.model_validate(manager.freshness.search(after=after, limit=limit))
