"""Bodies of marks."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    Label,
    NewStudentId,
    Number,
    PastInstant,
)


class NewAssessment(Body):
    """Mark that is not in staffstuddash; `score` lies between 0 and `max_score`."""

    id: Id | None = Field(None, examples=["a001"])
    student_id: NewStudentId = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    course: Id | None = Field(None, examples=["math-7b"])
    score: Annotated[Number, Field(ge=0)] = Field(examples=[85])
    max_score: Annotated[Number, Field(gt=0, le=1e9)] = 100
    submitted_at: PastInstant | None = Field(
        None, description="Instant of submission, by default now."
    )

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score > self.max_score:
            raise ValueError("score must not be above max_score")
        return self


class AssessmentOut(AdditionOut):
    """Mark as stored here."""

    id: str
    student_id: str
    type: str
    subject: str
    course: str | None
    score: float
    max_score: float
    submitted_at: datetime
    recorded_at: datetime
