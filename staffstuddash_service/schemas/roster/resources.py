"""Bodies of organisations, terms, courses, classes and people."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from shared_web.requests.fields import Body, Email, Id, Label, PersonName
from staffstuddash_service.domain.roster import (
    Class,
    ClassType,
    Course,
    Organisation,
    OrganisationType,
    Person,
    StaffRole,
    Term,
    TermType,
)
from staffstuddash_service.schemas.roster.fields import Day, Ids, KeptOut, Labels

_Year = Annotated[int, Field(ge=1900, le=2200, description="The year in which it ends.")]


class OrganisationReplacement(Body):
    """Organisation from now on; absent fields are empty."""

    name: PersonName = Field(examples=["Lovelace School"])
    type: OrganisationType = Field(OrganisationType.SCHOOL, strict=False)
    identifier: Label | None = Field(None, description="Of the authorities.")
    parent_id: Id | None = None

    def record(self, id_: str) -> Organisation:
        """Return the record to store under the id."""
        return Organisation(id_, **vars(self))


class OrganisationOut(KeptOut):
    """Organisation as stored."""

    name: str
    type: OrganisationType
    identifier: str | None
    parent_id: str | None


class TermReplacement(Body):
    """Term from now on; `ends_on` is its last day."""

    title: PersonName = Field(examples=["Autumn 2026"])
    type: TermType = Field(strict=False)
    starts_on: Day
    ends_on: Day
    parent_id: Id | None = None
    school_year: _Year | None = None

    def record(self, id_: str) -> Term:
        """Return the record to store under the id."""
        return Term(id_, **vars(self))


class TermOut(KeptOut):
    """Term as stored."""

    title: str
    type: TermType
    starts_on: date
    ends_on: date
    parent_id: str | None
    school_year: int | None
    closed_at: datetime | None = Field(description="When it was closed; it is read-only since.")


class CourseReplacement(Body):
    """Course from now on; absent fields are empty."""

    title: PersonName = Field(examples=["Mathematics"])
    code: Label | None = None
    organisation_id: Id | None = None
    subjects: Labels = Field([], examples=[["Math"]])
    grades: Labels = Field([], examples=[["05"]])

    def record(self, id_: str) -> Course:
        """Return the record to store under the id."""
        lists = {"subjects": tuple(self.subjects), "grades": tuple(self.grades)}
        return Course(id_, **{**vars(self), **lists})


class CourseOut(KeptOut):
    """Course as stored."""

    title: str
    code: str | None
    organisation_id: str | None
    subjects: list[str]
    grades: list[str]


class ClassReplacement(Body):
    """Class from now on; absent fields are empty."""

    title: PersonName = Field(examples=["Mathematics 5a"])
    type: ClassType = Field(ClassType.SCHEDULED, strict=False)
    code: Label | None = None
    course_id: Id | None = None
    organisation_id: Id | None = None
    term_ids: Ids = Field([], examples=[["2026-autumn"]])
    subjects: Labels = Field([], examples=[["Math"]])
    grades: Labels = Field([], examples=[["05"]])
    location: Label | None = None

    def record(self, id_: str) -> Class:
        """Return the record to store under the id."""
        lists = {name: tuple(vars(self)[name]) for name in ("term_ids", "subjects", "grades")}
        return Class(id_, **{**vars(self), **lists})


class ClassOut(KeptOut):
    """Class as stored; in dropout it is the course of the same id."""

    title: str
    type: ClassType
    code: str | None
    course_id: str | None
    organisation_id: str | None
    term_ids: list[str]
    subjects: list[str]
    grades: list[str]
    location: str | None
    archived_at: datetime | None = Field(
        description="When it was archived with its terms; it is read-only since."
    )


class PersonReplacement(Body):
    """Member of staff from now on; absent fields are empty."""

    name: PersonName = Field(examples=["Emmy Noether"])
    role: StaffRole = Field(StaffRole.TEACHER, strict=False)
    email: Email | None = None
    username: Label | None = None
    organisation_ids: Ids = Field([], examples=[["school"]])

    def record(self, id_: str) -> Person:
        """Return the record to store under the id."""
        return Person(id_, **{**vars(self), "organisation_ids": tuple(self.organisation_ids)})


class PersonOut(KeptOut):
    """Member of staff as stored."""

    name: str
    role: StaffRole
    email: str | None
    username: str | None
    organisation_ids: list[str]
