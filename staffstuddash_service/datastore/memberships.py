"""Days of relations: students of a class on a day, or of a person, and periods that overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all

from shared_db.clock import utc_now
from staffstuddash_service.models import (
    AdvisingRow,
    EnrolmentRow,
    IdentifierRow,
    Period,
    TeachingRow,
)


class Days(NamedTuple):
    """Days of a relation, from the first one up to the first one on which the relation is over."""

    valid_from: date | None
    valid_to: date | None

    @property
    def beginning(self) -> date:
        """First day; without one, before all others."""
        return self.valid_from or date.min

    @property
    def end(self) -> date:
        """First day on which it is over; without one, after all others."""
        return self.valid_to or date.max

    def overlaps(self, other: "Days") -> bool:
        """Return True if the two have a day in common."""
        return self.beginning < other.end and other.beginning < self.end


def holds_on(model: type[Period], day: date) -> ColumnElement[bool]:
    """Return the condition that a relation holds on a day; an absent limit is none."""
    return and_(
        or_(model.valid_from.is_(None), model.valid_from <= day),
        or_(model.valid_to.is_(None), model.valid_to > day),
    )


def is_open(model: type[Period], day: date) -> ColumnElement[bool]:
    """Return the condition that a relation holds on a day, or is to begin later."""
    return or_(model.valid_to.is_(None), model.valid_to > day)


def students_of_class(class_id: str, day: date) -> Select[*tuple[Any, ...]]:
    """Return the query of the ids of the students in a class on a day."""
    row = EnrolmentRow
    return select(row.student_id).where(row.class_id == class_id, holds_on(row, day))


def students_of_person(person_id: str, day: date) -> Select[*tuple[Any, ...]]:
    """Return the query of the ids of the students that a person teaches or advises on a day."""
    taught = (
        select(EnrolmentRow.student_id)
        .join(TeachingRow, TeachingRow.class_id == EnrolmentRow.class_id)
        .where(
            TeachingRow.person_id == person_id,
            holds_on(TeachingRow, day),
            holds_on(EnrolmentRow, day),
        )
    )
    advised = select(AdvisingRow.student_id).where(
        AdvisingRow.person_id == person_id, holds_on(AdvisingRow, day)
    )
    return select(union_all(taught, advised).subquery("students_of_person").c.student_id)


@dataclass(frozen=True)
class Members:
    """Limit of a list to students of a class, and to those taught or advised by a person, today.

    ids: limits it to these students.
    """

    class_id: str | None = None
    person_id: str | None = None
    ids: Sequence[str] | None = None

    def conditions(self, student_id: Any) -> list[ColumnElement[bool]]:
        """Return the WHERE conditions on the column of the student's id."""
        today = utc_now().date()
        queries = []
        if self.class_id is not None:
            queries.append(students_of_class(self.class_id, today))
        if self.person_id is not None:
            queries.append(students_of_person(self.person_id, today))
        named = [] if self.ids is None else [student_id.in_(self.ids)]
        return named + [student_id.in_(query) for query in queries]


EVERYBODY = Members()


def known_elsewhere(value: str, system: str | None) -> Select[str]:
    """Return the query of the students with this identifier in another system, or in any."""
    query = select(IdentifierRow.student_id).where(IdentifierRow.value == value)
    return query if system is None else query.where(IdentifierRow.system == system)
