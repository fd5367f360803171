"""Routes of the feedback on predictions."""

from typing import Annotated

from fastapi import APIRouter, Response

from dropout_service.dependencies import Manager
from dropout_service.errors import PredictionIdNotFound
from dropout_service.feedback_errors import (
    FeedbackExists,
    FeedbackNotFound,
    FeedbackOfAnother,
    UnknownSigns,
)
from dropout_service.routes.path_parameters import FeedbackId, PredictionId
from dropout_service.schemas.feedback import FeedbackCountsOut, FeedbackOut, NewFeedback
from shared_db.errors import GroupTooSmall
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id

router = APIRouter(tags=["feedback"], route_class=AdmittedRoute)

READ = needs(Permission.PREDICTIONS_READ)
Writer = Annotated[Principal, needs(Permission.FEEDBACK_WRITE)]


@router.post(
    "/predictions/{prediction_id}/feedback",
    status_code=201,
    responses=documented(PredictionIdNotFound, FeedbackExists, UnknownSigns),
)
def add_feedback(
    prediction_id: PredictionId,
    new: NewFeedback,
    manager: Manager,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> FeedbackOut:
    """Store a verdict. A repeated request gets the same answer; other content under its id, 409."""
    feedback = manager.feedback.add(
        prediction_id,
        new.verdict,
        note=new.note,
        reason=new.reason,
        signs=new.signs,
        given_by=principal.name,
        feedback_id=row_id(new.id, key, principal),
    )
    mark_replay(response, is_replay=feedback.is_replay)
    return FeedbackOut.model_validate(feedback)


@router.get(
    "/predictions/{prediction_id}/feedback",
    dependencies=[READ],
    responses=documented(PredictionIdNotFound, InvalidRequest, MalformedCursor),
)
def list_feedback(
    prediction_id: PredictionId, manager: Manager, after: After = None, limit: Limit = 100
) -> PageOut[FeedbackOut]:
    """Return the verdicts on a prediction, the latest first."""
    page = manager.feedback.search(prediction_id, after=after, limit=limit)
    return PageOut[FeedbackOut].of(page)


@router.delete(
    "/predictions/{prediction_id}/feedback/{feedback_id}",
    responses=documented(PredictionIdNotFound, FeedbackNotFound, FeedbackOfAnother),
)
def withdraw_feedback(
    prediction_id: PredictionId,
    feedback_id: FeedbackId,
    manager: Manager,
    principal: Writer,
    response: Response,
) -> FeedbackOut:
    """Withdraw a verdict: it stays listed and does not count. Repeating this changes nothing."""
    feedback = manager.feedback.withdraw(
        prediction_id,
        feedback_id,
        by=principal.name,
        sees_all=principal.person is None or principal.person.sees_all,
    )
    mark_replay(response, is_replay=feedback.is_replay)
    return FeedbackOut.model_validate(feedback)


@router.get("/analytics/feedback", dependencies=[READ], responses=documented(GroupTooSmall))
def count_feedback(manager: Manager) -> FeedbackCountsOut:
    """Return the numbers of verdicts of each kind, by predicted type, named sign and version."""
    return FeedbackCountsOut.model_validate(manager.feedback.count())
