"""What clients send and get."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from dropout_service.domain.kinds import DropoutType, EventType, RiskLevel
from shared_web.fields import Body, Id, JsonObject, Out, PastInstant


class NewLearningEvent(Body):
    """One thing one student did; without an id one is made, without a time it is now."""

    id: Id | None = Field(None, examples=["evt001"])
    student_id: Id = Field(examples=["s001"])
    event_type: Annotated[EventType, Field(strict=False)] = Field(examples=["QUESTION_SUBMIT"])
    question_id: Id | None = Field(None, examples=["q123"])
    course: Id | None = Field(None, examples=["math-7b"])
    data: JsonObject | None = Field(
        None,
        description="What else is known; `correct` counts for QUESTION_SUBMIT.",
        examples=[{"correct": True}],
    )
    occurred_at: PastInstant | None = None


class LearningEventOut(Out):
    """An event as stored."""

    id: str
    student_id: str
    event_type: EventType
    question_id: str | None
    course: str | None
    data: dict[str, Any] | None
    occurred_at: datetime
    recorded_at: datetime


class NewPrediction(Body):
    """A prediction to make, from what was known at `as_of`, by default now."""

    id: Id | None = Field(None, examples=["pred001"])
    as_of: PastInstant | None = None


class IndicatorOut(Out):
    """A sign behind the score: its value and how much of the score it is (0 to 1)."""

    name: str
    value: float
    contribution: float
    text: str


class PredictionOut(Out):
    """A prediction with its reasons; `risk_score` and `confidence` are 0 to 1."""

    id: str
    student_id: str
    dropout_type: DropoutType
    risk_score: float
    risk_level: RiskLevel
    confidence: float
    primary_indicators: list[IndicatorOut]
    secondary_indicators: list[IndicatorOut]
    recommendations: list[str]
    rules_version: str
    as_of: datetime
    created_at: datetime
