"""Records of a small roster; each function takes the values that a test is about."""

from datetime import date, timedelta
from typing import Any

from shared_db.clock import utc_now
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.datastore.roster.tables import kind_of
from staffstuddash_service.domain.roster import (
    Advising,
    Class,
    Course,
    Enrolment,
    Guardian,
    Identifier,
    IdentifierKind,
    Organisation,
    Person,
    Record,
    RosterKind,
    Teaching,
    Term,
    TermType,
)

ONEROSTER = "oneroster"
SCHOOL = Organisation("school", "Lovelace School")
TERM = Term("2026", "Year 2026", TermType.SCHOOL_YEAR, date(2026, 8, 1), date(2027, 7, 31))
COURSE = Course("math", "Mathematics", organisation_id="school", subjects=("Math",))


def today(days: int = 0) -> date:
    """Return the day that is so many days after today."""
    return utc_now().date() + timedelta(days=days)


def a_class(id_: str = "5a", **changes: Any) -> Class:
    """Return a class of the course in the term."""
    values = {"course_id": "math", "organisation_id": "school", "term_ids": ("2026",)}
    return Class(id_, **{"title": f"Class {id_}", **values, **changes})


def a_person(id_: str = "t1", **changes: Any) -> Person:
    """Return a teacher."""
    return Person(id_, **{"name": "Emmy Noether", **changes})


def an_enrolment(id_: str = "e1", **changes: Any) -> Enrolment:
    """Return the enrolment of the first student in the first class."""
    return Enrolment(id_, **{"student_id": "s001", "class_id": "5a", **changes})


def a_teaching(**changes: Any) -> Teaching:
    """Return the assignment of the teacher to the first class."""
    return Teaching(**{"id": "l1", "person_id": "t1", "class_id": "5a", **changes})


def an_advising(**changes: Any) -> Advising:
    """Return the assignment of the first student to the teacher."""
    return Advising(**{"id": "v1", "person_id": "t1", "student_id": "s001", **changes})


def a_guardian(**changes: Any) -> Guardian:
    """Return a guardian of the first student."""
    return Guardian(**{"id": "g1", "student_id": "s001", "name": "Anne Byron", **changes})


def an_identifier(**changes: Any) -> Identifier:
    """Return an account of the first student."""
    values = {"student_id": "s001", "system": "moodle", "value": "ada"}
    return Identifier(**{"kind": IdentifierKind.ACCOUNT, **values, **changes})


def fill(manager: DatastoreManager, students: int = 3, classes: tuple[str, ...] = ("5a",)) -> None:
    """Store a school with students s001 to s..., classes and a teacher, without relations."""
    numbers = range(1, students + 1)
    manager.students.add_many([StudentToStore(f"Student {n}", None, f"s{n:03}") for n in numbers])
    roster = manager.roster
    roster.apply(RosterKind.ORGANISATION, [SCHOOL], ONEROSTER)
    roster.apply(RosterKind.TERM, [TERM], ONEROSTER)
    roster.apply(RosterKind.COURSE, [COURSE], ONEROSTER)
    roster.apply(RosterKind.CLASS, [a_class(id_) for id_ in classes], ONEROSTER)
    roster.apply(RosterKind.PERSON, [a_person()], ONEROSTER)


def outcomes(manager: DatastoreManager, *records: Record, source: str = ONEROSTER) -> list[str]:
    """Apply records of one kind; return the outcome or the refusal of each."""
    results = manager.roster.apply(kind_of(records[0]), records, source)
    return [r.outcome.value if r.refusal is None else type(r.refusal).__name__ for r in results]


def periods(manager: DatastoreManager, student_id: str = "s001") -> list[tuple[Any, ...]]:
    """Return class, first and last day of the student's enrolments of all time."""
    owner = ("student_id", student_id)
    found = manager.roster.search_relations(RosterKind.ENROLMENT, owner, include_ended=True)
    rows = [(row.class_id, row.valid_from, row.valid_to) for row in found]
    return sorted(rows, key=str)
