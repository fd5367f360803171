"""Bodies of break-glass."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared_web.requests.fields import Body, Out, Reason
from staffstuddash_service.datastore.rights.break_glass import ReviewedOpening
from staffstuddash_service.models import LONGEST_REASON, SHORTEST_REASON

Ground = Annotated[
    Reason,
    StringConstraints(min_length=SHORTEST_REASON, max_length=LONGEST_REASON, strip_whitespace=True),
]


class NewBreakGlass(Body):
    """Ground on which a student outside of the caller's rights is opened."""

    reason: Ground = Field(examples=["crisis call by the guardians, class teacher is away"])


class BreakGlassOut(Out):
    """Opening of a student by a person; `ended_by` is null unless it ended early."""

    id: str
    person_id: str
    student_id: str
    reason: str
    begins_at: datetime
    ends_at: datetime
    ended_by: str | None


class AcknowledgementOut(Out):
    """Instant from which a reviewer knows of an opening; `by` is the id of a person, or a key."""

    by: str
    at: datetime


class ReviewedOpeningOut(BreakGlassOut):
    """Opening as its reviewers see it."""

    read_count: int = Field(description="Recorded reads under it, in both services.")
    last_read_at: datetime | None = Field(description="Of these reads; null: there is none.")
    acknowledgements: list[AcknowledgementOut] = Field(description="By reviewers, the first first.")

    @classmethod
    def of(cls, reviewed: ReviewedOpening) -> "ReviewedOpeningOut":
        """Return the answer about an opening."""
        opening, by_name = reviewed.opening, reviewed.opening.acknowledgements
        return cls(
            **BreakGlassOut.model_validate(opening).model_dump(),
            read_count=reviewed.read_count,
            last_read_at=reviewed.last_read_at,
            acknowledgements=[
                AcknowledgementOut(by=name, at=at)
                for name, at in sorted(by_name.items(), key=lambda pair: pair[1])
            ],
        )
