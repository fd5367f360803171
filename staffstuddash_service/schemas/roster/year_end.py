"""Bodies of the end of the year: closed terms and leavers."""

from datetime import date, datetime

from pydantic import Field

from shared_web.requests.fields import Out


class TermClosingOut(Out):
    """Account of closing a term; in a dry run of what it would change."""

    term_id: str
    ends_on: date
    closed_at: datetime | None = Field(description="Null in a dry run of an open term.")
    archived_classes: int
    kept_classes: int = Field(description="They belong to an open term as well.")
    ended_enrolments: int
    ended_teaching: int
    leavers: int = Field(
        description="Students of its archived classes without an enrolment that has not ended."
    )
    is_dry: bool


class LeaverOut(Out):
    """Student with enrolments in the past only; `left_on` is the first day without one."""

    student_id: str
    left_on: date
