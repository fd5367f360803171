"""Feedback on predictions."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dropout_service.domain.enums import DropoutType, Verdict
from shared_web.requests.fields import Body, Id, Out, Text


class NewFeedback(Body):
    """Verdict of a person who knows the student."""

    id: Id | None = Field(None, examples=["fb001"])
    verdict: Annotated[Verdict, Field(strict=False)] = Field(examples=["accepted"])
    note: Text | None = Field(None, examples=["Spoke with her; she starts again on Monday."])


class FeedbackOut(Out):
    """Verdict as stored; `given_by` is the name of the API key."""

    id: str
    prediction_id: str
    student_id: str
    verdict: Verdict
    note: str | None
    given_by: str | None
    created_at: datetime


class FeedbackCountsOut(Out):
    """Numbers of verdicts of each kind, by predicted type of dropout."""

    by_type: dict[DropoutType, dict[Verdict, int]]
