"""Routes of courses."""

from fastapi import APIRouter, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.errors import CourseNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import CourseId
from staffstuddash_service.routes.roster.parameters import (
    REFERRING,
    CourseFilters,
    IncludeEnded,
    new_row,
    shown,
)
from staffstuddash_service.schemas.roster.resources import CourseOut, CourseReplacement

router = APIRouter(prefix="/courses", tags=["roster"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.ROSTER_WRITE)


@router.get("", dependencies=[READ, EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_courses(
    datastore: Datastore,
    filters: CourseFilters,
    include_ended: IncludeEnded = False,  # noqa: FBT002 - a query parameter
    after: After = None,
    limit: Limit = 100,
) -> PageOut[CourseOut]:
    """Return courses by id."""
    page = datastore.roster.search(
        RosterKind.COURSE,
        include_ended=include_ended,
        filters=filters,
        after=after,
        limit=limit,
    )
    return PageOut[CourseOut].of(page)


@router.get("/{course_id}", dependencies=[READ], responses=documented(CourseNotFound))
def get_course(course_id: CourseId, datastore: Datastore) -> CourseOut:
    """Return one course, ended or not."""
    return CourseOut.model_validate(datastore.roster.get(RosterKind.COURSE, course_id))


@router.put("/{course_id}", dependencies=[WRITE], responses=REFERRING | new_row(CourseOut))
def replace_course(
    course_id: CourseId, new: CourseReplacement, datastore: Datastore, response: Response
) -> CourseOut:
    """Store or replace a course; equal content changes nothing. An ended one begins again."""
    replaced = datastore.roster.replace(new.record(course_id))
    return CourseOut.model_validate(shown(replaced, response))


@router.delete("/{course_id}", dependencies=[WRITE], responses=documented(CourseNotFound))
def end_course(course_id: CourseId, datastore: Datastore, response: Response) -> CourseOut:
    """End a course. The row stays."""
    ended = datastore.roster.end(RosterKind.COURSE, course_id)
    return CourseOut.model_validate(shown(ended, response))
