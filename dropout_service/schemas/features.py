"""Feature sets."""

from datetime import datetime
from typing import Any

from pydantic import Field

from dropout_service.schemas.pending_rows import PendingRows
from shared_web.requests.fields import Body, Id, Out, PastInstant


class NewFeatureSet(Body):
    """Features to compute from the rows up to `as_of`, by default now."""

    id: Id | None = Field(None, examples=["fs001"])
    as_of: PastInstant | None = None


class FeatureSetOut(Out):
    """Features as computed; docs/scores.md has each formula. Null: too few rows for the feature."""

    id: str
    student_id: str
    as_of: datetime
    version: str
    features: dict[str, Any]
    created_at: datetime
    pending_rows: PendingRows
