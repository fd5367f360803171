"""Bodies of students."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from shared_web.audit.shown_students import OfStudent
from shared_web.requests.fields import AdditionOut, Body, Email, NewStudentId, Out, PersonName


class NewStudent(Body):
    """Student to store; without an id one is made."""

    id: NewStudentId | None = Field(None, examples=["s001"])
    name: PersonName = Field(examples=["Ada Lovelace"])
    email: Email | None = Field(None, examples=["ada@school.example"])


class StudentChange(Body):
    """Changes of a student; absent fields stay, an `email` of null is removed."""

    # A factory, because the documents would show a default, and null is no name.
    name: PersonName = Field(default_factory=str, examples=["Ada King"])
    email: Email | None = Field(None, examples=["ada.king@school.example"])

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name what to change: name, email")
        return self


class StudentReplacement(Body):
    """Name and e-mail of a student from now on; an absent e-mail is removed."""

    name: PersonName = Field(examples=["Ada King"])
    email: Email | None = Field(None, examples=["ada.king@school.example"])


class StudentOut(OfStudent, AdditionOut):
    """Student as stored."""

    id: str
    name: str
    email: str | None
    created_at: datetime
    updated_at: datetime


class ErasureOut(Out):
    """Pseudonym of an erased student, and the number of rows removed from each table.

    Rows of `action_logs` stay, under the pseudonym and without their extra data.
    """

    pseudonym: str
    removed: dict[str, int]


class StudentMerge(Body):
    """Id that the student has from now on; it may be another student's or new."""

    into: NewStudentId = Field(examples=["s002"])


class MergeOut(Out):
    """Present id of a merged student, and numbers of rows by table.

    conflicts: rows of both ids in the same place. recomputed: derived rows that were computed from
    the rows of both. A merge that was done before has none of them.
    """

    student_id: str = Field(validation_alias="target")
    moved: dict[str, int]
    conflicts: dict[str, int]
    recomputed: dict[str, int]
