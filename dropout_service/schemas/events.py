"""Bodies of learning events and of attempts at questions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from dropout_service.domain.enums import EventType
from shared_web.requests.fields import AdditionOut, Body, Id, JsonObject, Out, PastInstant


class NewLearningEvent(Body):
    """Learning event; without an id it gets a new one, without a time the present."""

    id: Id | None = Field(None, examples=["evt001"])
    student_id: Id = Field(examples=["s001"])
    event_type: Annotated[EventType, Field(strict=False)] = Field(examples=["QUESTION_SUBMIT"])
    question_id: Id | None = Field(None, examples=["q123"])
    course: Id | None = Field(None, examples=["math-7b"])
    data: JsonObject | None = Field(
        None,
        description="Further data; `correct` (true or false) and `answer` (any value) of a "
        "QUESTION_SUBMIT are evaluated.",
        examples=[{"correct": True, "answer": "7/12"}],
    )
    occurred_at: PastInstant | None = None


class LearningEventOut(AdditionOut):
    """Learning event as stored."""

    id: str
    student_id: str
    event_type: EventType
    question_id: str | None
    course: str | None
    data: dict[str, Any] | None
    occurred_at: datetime
    recorded_at: datetime


class AttemptOut(Out):
    """Answer to a question: `id` is that of its event, `attempt` is 1 for the first."""

    id: str
    student_id: str
    question_id: str
    course: str | None
    attempt: int
    is_correct: bool | None
    data: dict[str, Any] | None
    occurred_at: datetime
