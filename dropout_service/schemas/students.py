"""Students."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared_web.requests.fields import AdditionOut, Body, Id, Label

Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class NewStudent(Body):
    """A student to store; without an id one is made. Events make their students by themselves."""

    id: Id | None = Field(None, examples=["s001"])
    name: Label | None = Field(None, examples=["Ada Lovelace"])
    email: Email | None = Field(None, examples=["ada@school.example"])


class StudentOut(AdditionOut):
    """A student as stored; name and e-mail are null where only events told of the student."""

    id: str
    name: str | None
    email: str | None
    created_at: datetime
