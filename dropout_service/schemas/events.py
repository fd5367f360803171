"""Bodies of learning events and of attempts at questions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from dropout_service.domain.enums import EventType
from dropout_service.domain.event_data import wrong_values
from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    JsonObject,
    NewStudentId,
    Out,
    PastInstant,
    refusal_by_field,
)


class NewLearningEvent(Body):
    """Learning event; without an id it gets a new one, without a time the present."""

    id: Id | None = Field(None, examples=["evt001"])
    student_id: NewStudentId = Field(examples=["s001"])
    event_type: Annotated[EventType, Field(strict=False)] = Field(examples=["QUESTION_SUBMIT"])
    question_id: Id | None = Field(None, examples=["q123"])
    course: Id | None = Field(None, examples=["math-7b"])
    data: JsonObject | None = Field(
        None,
        description="Further data. Evaluated are, of a QUESTION_SUBMIT, `correct` (true or false) "
        "and `answer` (any value); of a RESOURCE_VIEW, `clicks` (a whole number of 0 to 100,000) "
        "and `activity` (text of 1 to 200 characters). Another type of these is refused; null and "
        "an absent key mean unknown. Other keys are stored as they are.",
        examples=[{"correct": True, "answer": "7/12"}],
    )
    occurred_at: PastInstant | None = None

    @field_validator("data")
    @classmethod
    def _consumed_keys_have_their_types(
        cls, data: dict[str, Any] | None, known: ValidationInfo
    ) -> dict[str, Any] | None:
        # Without a valid event type no key is consumed, and the event is refused anyway.
        event_type = known.data.get("event_type")
        if data and event_type and (wrong := wrong_values(event_type, data)):
            raise refusal_by_field(wrong, data)
        return data


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
