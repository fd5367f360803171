"""Feature sets."""

from datetime import datetime
from typing import Any

from pydantic import Field

from dropout_service.schemas.pending_rows import PendingRows
from shared_web.requests.fields import Body, Id, Out, PastInstant


class NewFeatureSet(Body):
    """Features to compute from the rows up to `as_of`, by default now.

    `course`: a class of the roster. Only events that name it and marks of its subjects count, on
    days on which the student was enrolled; by default all of the student's.
    """

    id: Id | None = Field(None, examples=["fs001"])
    course: Id | None = Field(None, examples=["math-5a"])
    as_of: PastInstant | None = None


class FeatureSetOut(Out):
    """Features as computed; docs/scores.md has each formula. Null: too few rows for the feature.

    `course` is the class whose rows count; null: all of the student's.
    """

    id: str
    student_id: str
    course: str | None
    as_of: datetime
    version: str
    features: dict[str, Any]
    created_at: datetime
    pending_rows: PendingRows
