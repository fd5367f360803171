"""Bodies of concepts."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared_web.requests.fields import AdditionOut, Body, Id, Label

Difficulty = Annotated[int, Field(ge=1, le=5)]


class NewConcept(Body):
    """Concept of a subject; assessments belong to the concept that their `topic` names."""

    id: Id | None = Field(None, examples=["math-fractions"])
    concept: Label = Field(examples=["fractions"])
    subject: Label = Field(examples=["Math"])
    difficulty: Difficulty = Field(description="1 (easy) to 5 (hard).", examples=[2])


class ConceptChange(Body):
    """New difficulty of a concept."""

    difficulty: Difficulty = Field(examples=[3])


class ConceptOut(AdditionOut):
    """Concept as stored."""

    id: str
    concept: str
    subject: str
    difficulty: int
    created_at: datetime
