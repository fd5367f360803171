"""Routes of the features of a student."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import (
    CourseNotFound,
    FeatureSetExists,
    FeatureSetNotFound,
    NotAClass,
    NotAssessable,
    StudentErased,
    StudentMerged,
    StudentNotFound,
    StudentRestricted,
)
from dropout_service.routes.filters import OF_A_STUDENT
from dropout_service.routes.path_parameters import StudentId
from dropout_service.schemas.features import FeatureSetOut, NewFeatureSet
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.fields import Id
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(
    prefix="/students/{student_id}/features", tags=["features"], route_class=AdmittedRoute
)

READ = needs(Permission.PREDICTIONS_READ)
Writer = Annotated[Principal, needs(Permission.PREDICTIONS_WRITE)]


OfClass = Annotated[Id | None, Query(description="Only of this class of the roster.")]


@router.post(
    "",
    status_code=201,
    responses=documented(
        StudentNotFound,
        StudentErased,
        StudentMerged,
        StudentRestricted,
        CourseNotFound,
        NotAClass,
        NotAssessable,
        FeatureSetExists,
    ),
)
def compute_features(
    student_id: StudentId,
    new: NewFeatureSet,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> FeatureSetOut:
    """Compute and store the features from the rows up to `as_of`; later rows do not change them."""
    features = manager.features.compute(
        student_id,
        as_of=new.as_of,
        course=new.course,
        feature_set_id=row_id(new.id, key, principal),
    )
    mark_replay(response, is_replay=features.is_replay)
    return FeatureSetOut.model_validate(features)


@router.get("", dependencies=[READ], responses=OF_A_STUDENT | documented(StudentRestricted))
def list_student_features(
    student_id: StudentId,
    manager: Manager,
    course: OfClass = None,
    after: After = None,
    limit: Limit = 100,
) -> PageOut[FeatureSetOut]:
    """Return the student's feature sets, the latest `as_of` first."""
    page = manager.features.search(student_id, course=course, after=after, limit=limit)
    return PageOut[FeatureSetOut].of(page)


@router.get(
    "/latest",
    dependencies=[READ],
    responses=documented(FeatureSetNotFound, StudentErased, StudentMerged, StudentRestricted),
)
def get_latest_features(
    student_id: StudentId, manager: Manager, course: OfClass = None
) -> FeatureSetOut:
    """Return the features with the latest `as_of`: in a class, by default of all rows."""
    return FeatureSetOut.model_validate(manager.features.get_latest(student_id, course=course))
