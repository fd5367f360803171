"""Bodies of assessments."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared_web.requests.fields import AdditionOut, Body, Id, Label, Number, PastInstant


class NewAssessment(Body):
    """Assessed piece of work; `score` lies between 0 and `max_score`."""

    id: Id | None = Field(None, examples=["a001"])
    student_id: Id = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    topic: Label | None = Field(
        None, description="The concept that was assessed.", examples=["fractions"]
    )
    score: Annotated[Number, Field(ge=0)] = Field(examples=[85])
    max_score: Annotated[Number, Field(gt=0, le=1e9)] = 100
    timestamp: PastInstant | None = Field(None, description="Of the submission; by default now.")

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score > self.max_score:
            raise ValueError("score must not be above max_score")
        return self


class AssessmentOut(AdditionOut):
    """Assessment as stored."""

    id: str
    student_id: str
    type: str
    subject: str
    topic: str | None
    score: float
    max_score: float
    timestamp: datetime
    created_at: datetime
