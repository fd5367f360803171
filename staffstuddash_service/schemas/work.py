"""Students' work as clients send and get it: assessments and drafts."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    Label,
    Number,
    PastInstant,
    reject_unstorable_text,
)
from staffstuddash_service.domain.drafts import ChangeType, Continuity

DraftText = Annotated[
    str, StringConstraints(min_length=1, max_length=100_000), AfterValidator(reject_unstorable_text)
]


class NewAssessment(Body):
    """One assessed piece of work; `score` lies between 0 and `max_score`."""

    id: Id | None = Field(None, examples=["a001"])
    student_id: Id = Field(examples=["s001"])
    type: Label = Field(examples=["exam"])
    subject: Label = Field(examples=["Math"])
    topic: Label | None = Field(
        None, description="The concept that was assessed.", examples=["fractions"]
    )
    score: Annotated[Number, Field(ge=0)] = Field(examples=[85])
    max_score: Annotated[Number, Field(gt=0, le=1e9)] = 100
    timestamp: PastInstant | None = Field(None, description="When handed in; by default now.")

    @model_validator(mode="after")
    def _score_within_range(self) -> Self:
        if self.score > self.max_score:
            raise ValueError("score must not be above max_score")
        return self


class AssessmentOut(AdditionOut):
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


class NewDraft(Body):
    """The next version of a text for an assignment."""

    id: Id | None = Field(None, examples=["d001"])
    assignment_id: Id = Field(examples=["essay-1"])
    content: DraftText = Field(examples=["The sky is blue because short waves scatter more."])
    timestamp: PastInstant | None = Field(None, description="When handed in; by default now.")


class DraftOut(AdditionOut):
    """A draft as stored, and what changed from the version before; null where nothing is known.

    Words are compared, not meaning: a hint for a talk with the student, never a verdict.
    """

    id: str
    student_id: str
    assignment_id: str
    version: int | None
    content: str
    timestamp: datetime
    created_at: datetime
    word_count: int
    new_words: int | None
    lexical_similarity: float | None
    retained_share: float | None
    change_type: ChangeType | None
    reasoning_continuity: Continuity | None
    sudden_jump_flag: bool | None
