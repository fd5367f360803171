"""Bodies of marks."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from dropout_service.domain.scores import stored_score
from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    Label,
    NewStudentId,
    Number,
    PastInstant,
    refusal_by_field,
)


class NewAssessment(Body):
    """Mark that is not in staffstuddash; `score` lies between 0 and `max_score`."""

    id: Id | None = Field(None, examples=["a001"])
    student_id: NewStudentId = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    course: Id | None = Field(None, examples=["math-7b"])
    score: Annotated[Number, Field(ge=0)] | None = Field(
        None,
        description="0 to `max_score`, with `extra_credit` to twice of it. Null only if `excused`.",
        examples=[85],
    )
    max_score: Annotated[Number, Field(gt=0, le=1e9)] = 100
    extra_credit: bool = Field(
        default=False, description="True if the score may exceed `max_score`."
    )
    excused: bool = Field(
        default=False,
        description="True for work without a score, which counts neither for nor against.",
    )
    submitted_at: PastInstant | None = Field(
        None, description="Instant of submission, by default now."
    )

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score is None and not self.excused:
            raise refusal_by_field({"score": "must be given unless excused is true"}, {})
        stored_score(
            self.score, self.max_score, extra_credit=self.extra_credit, excused=self.excused
        )
        return self


class AssessmentOut(AdditionOut):
    """Mark as stored here; `score` is null if it is excused."""

    id: str
    student_id: str
    type: str
    subject: str
    course: str | None
    score: float | None
    max_score: float
    extra_credit: bool
    excused: bool
    submitted_at: datetime
    recorded_at: datetime
