"""Records of the roster: organisations, terms, courses, classes, people and their relations.

Ids are those of the school's system. Dates of a relation are whole days; `valid_to` is the first
day on which it no longer holds. None: no limit is known.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

# Source of rows that were stored over the REST API one by one.
MANUAL = "manual"


class RosterKind(StrEnum):
    """Kind of record of the roster."""

    ORGANISATION = "organisation"
    TERM = "term"
    COURSE = "course"
    CLASS = "class"
    PERSON = "person"
    ENROLMENT = "enrolment"
    TEACHING = "teaching"
    ADVISING = "advising"
    GUARDIAN = "guardian"
    IDENTIFIER = "identifier"
    DEMOGRAPHICS = "demographics"


class OrganisationType(StrEnum):
    """Kind of organisation."""

    SCHOOL = "school"
    DEPARTMENT = "department"
    DISTRICT = "district"
    OTHER = "other"


class TermType(StrEnum):
    """Kind of term; a school year contains semesters and terms, these grading periods."""

    SCHOOL_YEAR = "school_year"
    SEMESTER = "semester"
    TERM = "term"
    GRADING_PERIOD = "grading_period"


class ClassType(StrEnum):
    """Kind of class: a scheduled course section, or a homeroom."""

    SCHEDULED = "scheduled"
    HOMEROOM = "homeroom"


class StaffRole(StrEnum):
    """Role of a member of staff."""

    TEACHER = "teacher"
    ADVISOR = "advisor"
    PRINCIPAL = "principal"
    ADMINISTRATOR = "administrator"
    AIDE = "aide"


class IdentifierKind(StrEnum):
    """Kind of identifier of a student in another system."""

    ID = "id"
    ACCOUNT = "account"
    MAILBOX = "mailbox"


@dataclass(frozen=True)
class Organisation:
    """School, department or district."""

    id: str
    name: str
    type: OrganisationType = OrganisationType.SCHOOL
    identifier: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True)
class Term:
    """Span of the school calendar; `ends_on` is its last day."""

    id: str
    title: str
    type: TermType
    starts_on: date
    ends_on: date
    parent_id: str | None = None
    school_year: int | None = None


@dataclass(frozen=True)
class Course:
    """Course as the school offers it; classes are its sections."""

    id: str
    title: str
    code: str | None = None
    organisation_id: str | None = None
    subjects: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()


@dataclass(frozen=True)
class Class:
    """Group of students that is taught together; a course of dropout."""

    id: str
    title: str
    type: ClassType = ClassType.SCHEDULED
    code: str | None = None
    course_id: str | None = None
    organisation_id: str | None = None
    term_ids: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    location: str | None = None


@dataclass(frozen=True)
class Person:
    """Member of staff."""

    id: str
    name: str
    role: StaffRole = StaffRole.TEACHER
    email: str | None = None
    username: str | None = None
    organisation_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identifier:
    """Identifier of a student in another system: an id, an account or a mailbox."""

    student_id: str
    system: str
    kind: IdentifierKind
    value: str


@dataclass(frozen=True)
class Enrolment:
    """Enrolment of a student in a class, for some time."""

    id: str
    student_id: str
    class_id: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Teaching:
    """Assignment of a member of staff to a class, for some time."""

    id: str
    person_id: str
    class_id: str
    valid_from: date | None = None
    valid_to: date | None = None
    is_primary: bool = False


@dataclass(frozen=True)
class Advising:
    """Assignment of a student to an advisor, for some time."""

    id: str
    person_id: str
    student_id: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Guardian:
    """Guardian of a student."""

    id: str
    student_id: str
    name: str
    relation: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Demographics:
    """Personal attributes of a student, only for the audit of fairness; no feature uses them."""

    student_id: str
    birth_date: date | None = None
    sex: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


Record = (
    Organisation
    | Term
    | Course
    | Class
    | Person
    | Enrolment
    | Teaching
    | Advising
    | Guardian
    | Identifier
    | Demographics
)


def record_key(record: Record) -> str:
    """Return the text by which a record is stored: its id; of demographics, the student's id.

    An identifier has no id: its key is a digest of system, kind and value.
    """
    match record:
        case Identifier():
            return identifier_key(record.system, record.kind, record.value)
        case Demographics():
            return record.student_id
        case _:
            return record.id


def identifier_key(system: str, kind: IdentifierKind, value: str) -> str:
    """Return the key of an identifier: a digest of its system, kind and value."""
    # No stored text has this character, so different parts have different keys.
    parts = "\0".join((system, kind.value, value))
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()
