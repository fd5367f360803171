"""Bodies of break-glass."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared_web.requests.fields import Body, Out, Reason
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
