"""Bodies of legal holds."""

from datetime import datetime

from pydantic import Field

from shared_web.requests.fields import Body, Out, Reason


class HoldReplacement(Body):
    """Reason of a legal hold."""

    reason: Reason = Field(examples=["complaint 17 of 2026, until it is decided"])


class HoldOut(Out):
    """Legal hold of a student; after a merge the reason has a line for each student."""

    student_id: str
    reason: str
    held_at: datetime
    held_by: str
