"""Routes of predictions."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import (
    CourseNotFound,
    NotAssessable,
    PredictionExists,
    PredictionNotFound,
    StudentErased,
    StudentMerged,
    StudentNotFound,
    StudentRestricted,
)
from dropout_service.routes.filters import (
    LISTING,
    OF_A_STUDENT,
    PREDICTIONS,
    PredictionFilters,
)
from dropout_service.routes.path_parameters import StudentId
from dropout_service.schemas.predictions import NewPrediction, PredictionOut
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.requests.fields import Id
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(tags=["predictions"], route_class=AdmittedRoute)

READ = needs(Permission.PREDICTIONS_READ)
Writer = Annotated[Principal, needs(Permission.PREDICTIONS_WRITE)]

OfCourse = Annotated[Id | None, Query(description="Only of the enrolment in this course or class.")]


@router.post(
    "/students/{student_id}/predictions",
    status_code=201,
    responses=documented(
        StudentNotFound,
        StudentErased,
        StudentMerged,
        StudentRestricted,
        CourseNotFound,
        PredictionExists,
        InvalidRequest,
        NotAssessable,
    ),
)
def predict(
    student_id: StudentId,
    new: NewPrediction,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> PredictionOut:
    """Make and store a prediction with its reasons, from the rows up to `as_of`."""
    prediction = manager.predictions.predict(
        student_id,
        as_of=new.as_of,
        course=new.course,
        prediction_id=row_id(new.id, key, principal),
    )
    mark_replay(response, is_replay=prediction.is_replay)
    return PredictionOut.model_validate(prediction)


@router.get(
    "/students/{student_id}/predictions",
    dependencies=[READ],
    responses=OF_A_STUDENT | documented(StudentRestricted),
    openapi_extra=PREDICTIONS.openapi_extra,
)
def list_student_predictions(
    student_id: StudentId,
    manager: Manager,
    filters: PredictionFilters,
    course: OfCourse = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[PredictionOut]:
    """Return the student's predictions, the latest `as_of` first."""
    page = manager.predictions.search_student(
        student_id, course=course, filters=filters, after=after, limit=limit
    )
    return PageOut[PredictionOut].of(page)


@router.get(
    "/students/{student_id}/predictions/latest",
    dependencies=[READ],
    responses=documented(PredictionNotFound, StudentErased, StudentMerged, StudentRestricted),
)
def get_latest_prediction(
    student_id: StudentId, manager: Manager, course: OfCourse = None
) -> PredictionOut:
    """Return the latest prediction in a course, by default the highest among all courses."""
    return PredictionOut.model_validate(manager.predictions.get_latest(student_id, course=course))


@router.get(
    "/predictions",
    dependencies=[READ, EXPENSIVE_IF_SEARCHED],
    responses=LISTING,
    openapi_extra=PREDICTIONS.openapi_extra,
)
def list_predictions(
    manager: Manager,
    filters: PredictionFilters,
    course: Annotated[
        Id | None,
        Query(
            description="Only students active or enrolled in this course. Of a class of the roster:"
            " the predictions of the class itself, if it has any."
        ),
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[PredictionOut]:
    """Return each student's overall prediction (the highest of their latest), by risk."""
    page = manager.predictions.search(course=course, filters=filters, after=after, limit=limit)
    return PageOut[PredictionOut].of(page)
