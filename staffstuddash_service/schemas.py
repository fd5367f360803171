"""What clients send and get."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared_web.fields import Body, Id, Label, Number, Out, PastInstant

Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class NewStudent(Body):
    """A student to store; without an id one is made."""

    id: Id | None = Field(None, examples=["s001"])
    name: Label = Field(examples=["Ada Lovelace"])
    email: Email | None = Field(None, examples=["ada@school.example"])


class StudentOut(Out):
    """A student as stored."""

    id: str
    name: str
    email: str | None
    created_at: datetime
    updated_at: datetime


class NewAssessment(Body):
    """One assessed piece of work; `score` lies between 0 and `max_score`."""

    id: Id | None = Field(None, examples=["a001"])
    student_id: Id = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    topic: Label | None = Field(None, examples=["fractions"])
    score: Annotated[Number, Field(ge=0)] = Field(examples=[85])
    max_score: Annotated[Number, Field(gt=0, le=1e9)] = 100
    timestamp: PastInstant | None = Field(None, description="When handed in; by default now.")

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score > self.max_score:
            raise ValueError("score must not be above max_score")
        return self


class AssessmentOut(Out):
    """An assessment as stored."""

    id: str
    student_id: str
    type: str
    subject: str
    topic: str | None
    score: float
    max_score: float
    timestamp: datetime
    created_at: datetime


class SubjectPerformanceOut(Out):
    """One subject: percentages are 0 to 100 over `count` marks."""

    subject: str
    mean_percentage: float
    count: int
    last_percentage: float
    last_submitted_at: datetime


class PerformanceOut(Out):
    """What a student's marks add up to; means are null while there is no mark."""

    student_id: str
    mean_percentage: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    subjects: list[SubjectPerformanceOut]
    updated_at: datetime


class RiskOut(Out):
    """The latest dropout prediction: `score` is 0 to 1."""

    score: float
    level: str
    dropout_type: str
    as_of: datetime


class DashboardRowOut(Out):
    """One student on the teacher's dashboard; without a risk, the reason stands beside it."""

    student_id: str
    name: str
    mean_percentage: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    risk: RiskOut | None
    risk_missing_because: str | None
