"""Memberships on a day: students of a class, and students taught or advised by a person."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, union_all

from shared_db.clock import utc_now
from staffstuddash_service.models import AdvisingRow, EnrolmentRow, Period, TeachingRow


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
    """Limit of a list to students of a class, and to those taught or advised by a person, today."""

    class_id: str | None = None
    person_id: str | None = None

    def conditions(self, student_id: Any) -> list[ColumnElement[bool]]:
        """Return the WHERE conditions on the column of the student's id."""
        today = utc_now().date()
        queries = []
        if self.class_id is not None:
            queries.append(students_of_class(self.class_id, today))
        if self.person_id is not None:
            queries.append(students_of_person(self.person_id, today))
        return [student_id.in_(query) for query in queries]


EVERYBODY = Members()
