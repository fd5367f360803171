"""Table of each kind of record, and the references between them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from shared_db.errors import ServiceError
from staffstuddash_service.domain import roster
from staffstuddash_service.domain.roster import Record, RosterKind
from staffstuddash_service.errors import (
    ClassNotFound,
    CourseNotFound,
    DemographicsNotFound,
    GuardianExists,
    IdentifierExists,
    OrganisationNotFound,
    PersonNotFound,
    TermNotFound,
)
from staffstuddash_service.models import (
    AdvisingRow,
    ClassRow,
    CourseRow,
    DemographicsRow,
    EnrolmentRow,
    GuardianRow,
    IdentifierRow,
    KeptRow,
    OrganisationRow,
    Period,
    PersonRow,
    TeachingRow,
    TermRow,
)

Refusal = Callable[[str], ServiceError]


@dataclass(frozen=True)
class Reference:
    """Field with the id, or the ids, of rows of another table.

    missing: the refusal of an id of no row; by default `UnknownReference`.
    """

    field: str
    target: type[KeptRow]
    missing: Refusal | None = None


_CLASS = Reference("class_id", ClassRow, ClassNotFound)
_PERSON = Reference("person_id", PersonRow, PersonNotFound)


@dataclass(frozen=True)
class RosterTable:
    """Table of one kind of record.

    ends: the fields of a relation that identify its two ends. missing: the refusal of an id of no
    row. taken: the refusal of a record that is stored for another student.
    """

    record: type[Record]
    model: type[Any]
    references: tuple[Reference, ...] = ()
    ends: tuple[str, ...] = ()
    missing: Refusal | None = None
    taken: Refusal | None = None
    key_name: str = "id"

    @property
    def key(self) -> Any:
        """Column by which a record is stored."""
        return getattr(self.model, self.key_name)

    @property
    def is_kept(self) -> bool:
        """True if ended rows stay; rows that only describe a student are deleted."""
        return issubclass(self.model, KeptRow)

    @property
    def is_relation(self) -> bool:
        """True if rows hold for some time."""
        return issubclass(self.model, Period)

    @property
    def has_student(self) -> bool:
        """True if rows are a student's."""
        return hasattr(self.model, "student_id")


TABLES = {
    RosterKind.ORGANISATION: RosterTable(
        roster.Organisation,
        OrganisationRow,
        (Reference("parent_id", OrganisationRow),),
        missing=OrganisationNotFound,
    ),
    RosterKind.TERM: RosterTable(
        roster.Term, TermRow, (Reference("parent_id", TermRow),), missing=TermNotFound
    ),
    RosterKind.COURSE: RosterTable(
        roster.Course,
        CourseRow,
        (Reference("organisation_id", OrganisationRow),),
        missing=CourseNotFound,
    ),
    RosterKind.CLASS: RosterTable(
        roster.Class,
        ClassRow,
        (
            Reference("course_id", CourseRow),
            Reference("organisation_id", OrganisationRow),
            Reference("term_ids", TermRow),
        ),
        missing=ClassNotFound,
    ),
    RosterKind.PERSON: RosterTable(
        roster.Person,
        PersonRow,
        (Reference("organisation_ids", OrganisationRow),),
        missing=PersonNotFound,
    ),
    RosterKind.ENROLMENT: RosterTable(
        roster.Enrolment, EnrolmentRow, (_CLASS,), ("class_id", "student_id")
    ),
    RosterKind.TEACHING: RosterTable(
        roster.Teaching, TeachingRow, (_CLASS, _PERSON), ("class_id", "person_id")
    ),
    RosterKind.ADVISING: RosterTable(
        roster.Advising, AdvisingRow, (_PERSON,), ("person_id", "student_id")
    ),
    RosterKind.GUARDIAN: RosterTable(roster.Guardian, GuardianRow, taken=GuardianExists),
    RosterKind.IDENTIFIER: RosterTable(roster.Identifier, IdentifierRow, taken=IdentifierExists),
    RosterKind.DEMOGRAPHICS: RosterTable(
        roster.Demographics,
        DemographicsRow,
        missing=DemographicsNotFound,
        key_name="student_id",
    ),
}
_KINDS = {table.record: kind for kind, table in TABLES.items()}


def kind_of(record: Record) -> RosterKind:
    """Return the kind of a record."""
    return _KINDS[type(record)]


def has_item(column: Any, item: str, *, is_memory: bool) -> ColumnElement[bool]:
    """Return the condition that a list in JSON has a text."""
    if is_memory:
        listed = func.json_each(column).table_valued("value")
        return select(1).select_from(listed).where(listed.c.value == item).exists()
    return func.jsonb_exists(column, item)


def has_text(columns: Iterable[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that one of the columns has this part; case is ignored."""
    part = text.lower()
    return or_(*(func.lower(column).contains(part, autoescape=True) for column in columns))
