"""Bodies of actions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared_web.requests.fields import AdditionOut, Body, JsonObject, PastInstant

ActionWord = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$")
]


class NewAction(Body):
    """Action about a student, as a word of the school's; details belong into `data`."""

    action: ActionWord = Field(
        description="Stays when the student is erased, so it must not name them.",
        examples=["talk.with-parents"],
    )
    is_intervention: bool = Field(default=True, description="False for a mere note.")
    data: JsonObject | None = Field(
        None, description="Erased with the student.", examples=[{"note": "wants more exercises"}]
    )
    timestamp: PastInstant | None = Field(None, description="Of the action; by default now.")


class ActionOut(AdditionOut):
    """Action as stored; for an erased student `student_id` is the pseudonym."""

    id: str
    student_id: str
    actor: str
    action: str
    is_intervention: bool
    data: dict[str, Any] | None
    timestamp: datetime
