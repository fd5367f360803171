"""Bodies of restrictions."""

from datetime import datetime

from pydantic import Field

from shared_web.requests.fields import Body, Out, Reason


class RestrictionReplacement(Body):
    """Restriction of a student from now on, with the ground if it is known."""

    reason: Reason | None = Field(None, examples=["objection of the guardians, 12 March"])


class RestrictionOut(Out):
    """Restriction of a student who is not to be assessed."""

    student_id: str
    reason: str | None
    restricted_at: datetime
    restricted_by: str
