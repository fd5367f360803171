"""Actions and concepts as clients send and get them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shared_web.requests.fields import AdditionOut, Body, Id, JsonObject, Label, PastInstant

ActionWord = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$")
]
Difficulty = Annotated[int, Field(ge=1, le=5)]


class NewAction(Body):
    """What was done about a student, as a word of the school's; details belong into `data`."""

    action: ActionWord = Field(
        description="Stays when the student is erased, so it must not name them.",
        examples=["talk.with-parents"],
    )
    is_intervention: bool = Field(default=True, description="False for what only notes something.")
    data: JsonObject | None = Field(
        None, description="Erased with the student.", examples=[{"note": "wants more exercises"}]
    )
    timestamp: PastInstant | None = Field(None, description="When it was done; by default now.")


class ActionOut(AdditionOut):
    """An action as stored; of an erased student `student_id` is the pseudonym."""

    id: str
    student_id: str
    actor: str
    action: str
    is_intervention: bool
    data: dict[str, Any] | None
    timestamp: datetime


class NewConcept(Body):
    """A concept of a subject; assessments whose `topic` has its name are of this concept."""

    id: Id | None = Field(None, examples=["math-fractions"])
    concept: Label = Field(examples=["fractions"])
    subject: Label = Field(examples=["Math"])
    difficulty: Difficulty = Field(description="1 (easy) to 5 (hard).", examples=[2])


class ConceptChange(Body):
    """How hard the concept is said to be from now on."""

    difficulty: Difficulty = Field(examples=[3])


class ConceptOut(AdditionOut):
    """A concept as stored."""

    id: str
    concept: str
    subject: str
    difficulty: int
    created_at: datetime
