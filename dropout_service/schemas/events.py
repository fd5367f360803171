"""Learning events and the attempts that they show."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from dropout_service.domain.enums import EventType
from shared_web.requests.fields import AdditionOut, Body, Id, JsonObject, Out, PastInstant


class NewLearningEvent(Body):
    """One thing one student did; without an id one is made, without a time it is now."""

    id: Id | None = Field(None, examples=["evt001"])
    student_id: Id = Field(examples=["s001"])
    event_type: Annotated[EventType, Field(strict=False)] = Field(examples=["QUESTION_SUBMIT"])
    question_id: Id | None = Field(None, examples=["q123"])
    course: Id | None = Field(None, examples=["math-7b"])
    data: JsonObject | None = Field(
        None,
        description="What else is known; of QUESTION_SUBMIT `correct` (true or false) and `answer` "
        "(anything) count.",
        examples=[{"correct": True, "answer": "7/12"}],
    )
    occurred_at: PastInstant | None = None


class LearningEventOut(AdditionOut):
    """An event as stored."""

    id: str
    student_id: str
    event_type: EventType
    question_id: str | None
    course: str | None
    data: dict[str, Any] | None
    occurred_at: datetime
    recorded_at: datetime


class AttemptOut(Out):
    """An answer to a question: `id` is its event's, `attempt` 1 for the first."""

    id: str
    student_id: str
    question_id: str
    course: str | None
    attempt: int
    is_correct: bool | None
    data: dict[str, Any] | None
    occurred_at: datetime
