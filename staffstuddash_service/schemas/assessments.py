"""Bodies of assessments."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared_db.clock import utc_now
from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    Label,
    Number,
    Out,
    PastInstant,
    Reason,
    not_reserved,
    refusal_by_field,
)
from staffstuddash_service.domain.scores import stored_score

Score = Annotated[Number, Field(ge=0)] | None
NewAssessmentId = Annotated[
    Id,
    not_reserved("batch", "csv"),
    Field(json_schema_extra={"not": {"enum": ["batch", "csv"]}}),
]
MaxScore = Annotated[Number, Field(gt=0, le=1e9)]

_SCORE = "0 to `max_score`, with `extra_credit` to twice of it. Null only if `excused`."
_EXTRA_CREDIT = "True if the score may exceed `max_score`."
_EXCUSED = "True for work without a score, which counts neither for nor against."
_REASON = "Of the correction, for the action log; erased with the student."


class NewAssessment(Body):
    """Assessed piece of work; `score` lies between 0 and `max_score`."""

    id: NewAssessmentId | None = Field(None, examples=["a001"])
    student_id: Id = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    topic: Label | None = Field(
        None, description="The concept that was assessed.", examples=["fractions"]
    )
    score: Score = Field(None, description=_SCORE, examples=[85])
    max_score: MaxScore = 100
    extra_credit: bool = Field(default=False, description=_EXTRA_CREDIT)
    excused: bool = Field(default=False, description=_EXCUSED)
    timestamp: PastInstant | None = Field(None, description="Of the submission; by default now.")

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score is None and not self.excused:
            raise refusal_by_field({"score": "must be given unless excused is true"}, {})
        try:
            stored_score(
                self.score, self.max_score, extra_credit=self.extra_credit, excused=self.excused
            )
        except ValueError as reason:
            raise refusal_by_field({"score": str(reason)}, {}) from reason
        return self


class AssessmentChange(Body):
    """Correction of an assessment; absent fields stay. The student cannot be changed."""

    reason: Reason = Field(description=_REASON, examples=["typing error"])
    # Factories, because the documents would show a default, and null is no value of most fields.
    type: Label = Field(default_factory=str, examples=["exam"])
    subject: Label = Field(default_factory=str, examples=["Math"])
    topic: Label | None = Field(None, description="Null removes it.", examples=["fractions"])
    score: Score = Field(None, description=_SCORE, examples=[58])
    max_score: MaxScore = Field(default_factory=float, examples=[60])
    extra_credit: bool = Field(default_factory=bool, description=_EXTRA_CREDIT)
    excused: bool = Field(
        default_factory=bool,
        description=f"{_EXCUSED} True removes the score; a new score needs false.",
    )
    timestamp: PastInstant = Field(default_factory=utc_now, description="Of the submission.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.model_fields_set <= {"reason"}:
            names = ", ".join(name for name in type(self).model_fields if name != "reason")
            raise ValueError(f"must name what to change: {names}")
        return self


class AssessmentOut(AdditionOut):
    """Assessment as stored; `score` is null if it is excused."""

    id: str
    student_id: str
    type: str
    subject: str
    topic: str | None
    score: float | None
    max_score: float
    extra_credit: bool
    excused: bool
    timestamp: datetime
    created_at: datetime
    corrected_at: datetime | None


class AssessmentDeletionOut(Out):
    """Deleted assessment: it does not count any longer, and its id is never used again."""

    id: str
    student_id: str
    deleted_at: datetime
