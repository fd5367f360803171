"""Feedback on predictions."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dropout_service.domain.enums import DropoutType, FeedbackReason, Verdict
from shared_web.requests.fields import Body, Id, Out, Text


class NewFeedback(Body):
    """Verdict of a person who knows the student."""

    id: Id | None = Field(None, examples=["fb001"])
    verdict: Annotated[Verdict, Field(strict=False)] = Field(examples=["accepted"])
    note: Text | None = Field(None, examples=["Spoke with her; she starts again on Monday."])
    reason: Annotated[FeedbackReason, Field(strict=False)] | None = None
    signs: Annotated[list[Id], Field(min_length=1, max_length=50)] | None = Field(
        None, description="Names of indicators of the prediction.", examples=[["missed_work"]]
    )


class FeedbackOut(Out):
    """Verdict as stored; `given_by` is the name of the API key. A withdrawn one does not count."""

    id: str
    prediction_id: str
    student_id: str
    verdict: Verdict
    note: str | None
    reason: FeedbackReason | None
    signs: list[str] | None
    given_by: str | None
    created_at: datetime
    withdrawn_at: datetime | None


class FeedbackCountsOut(Out):
    """Numbers of verdicts of each kind: by predicted type, by named sign, and by version."""

    by_type: dict[DropoutType, dict[Verdict, int]]
    by_sign: dict[str, dict[Verdict, int]]
    by_version: dict[str, dict[Verdict, int]]
