"""Bodies of students."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from shared_web.audit.shown_students import OfStudent
from shared_web.requests.fields import AdditionOut, Body, Email, NewStudentId, Out, PersonName


class NewStudent(Body):
    """Student; without an id they get a new one. Events create their students by themselves."""

    id: NewStudentId | None = Field(None, examples=["s001"])
    name: PersonName | None = Field(None, examples=["Ada Lovelace"])
    email: Email | None = Field(None, examples=["ada@school.example"])


class StudentChange(Body):
    """Changes of a student; absent fields stay, null removes."""

    name: PersonName | None = Field(None, examples=["Ada King"])
    email: Email | None = Field(None, examples=["ada.king@school.example"])

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name what to change: name, email")
        return self


class StudentReplacement(Body):
    """Name and e-mail of a student from now on; an absent one is removed."""

    name: PersonName | None = Field(None, examples=["Ada King"])
    email: Email | None = Field(None, examples=["ada.king@school.example"])


class ErasureOut(Out):
    """Pseudonym of an erased student, and the number of rows removed from each table."""

    pseudonym: str
    removed: dict[str, int]


class StudentOut(OfStudent, AdditionOut):
    """Student as stored; name and e-mail are null if only events of the student came.

    `created_at` is null for a student of staffstuddash of whom nothing has come here yet.
    """

    id: str
    name: str | None
    email: str | None
    created_at: datetime | None
