"""Bodies of students."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared_web.requests.fields import AdditionOut, Body, Id, Label

Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class NewStudent(Body):
    """Student; without an id they get a new one. Events create their students by themselves."""

    id: Id | None = Field(None, examples=["s001"])
    name: Label | None = Field(None, examples=["Ada Lovelace"])
    email: Email | None = Field(None, examples=["ada@school.example"])


class StudentOut(AdditionOut):
    """Student as stored; name and e-mail are null if only events of the student came."""

    id: str
    name: str | None
    email: str | None
    created_at: datetime
