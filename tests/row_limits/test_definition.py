"""Sight of persons by its definition, written here in Python, on random rosters and queries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert

from shared_db.clock import utc_now
from shared_db.row_limits import RowLimit, rows_limited_to
from staffstuddash_service.datastore.memberships import Members
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.models import AdvisingRow, EnrolmentRow, TeachingRow
from tests.support.persons import Managers
from tests.support.rosters import a_person, fill, outcomes, today

STUDENTS = tuple(f"s{n:03}" for n in range(1, 7))
CLASSES = ("5a", "5b", "5c")
STAFF = ("t1", "t2")
PERSONS = (*STAFF, STUDENTS[0], "unknown", "")
SOURCED = {"source": "manual", "digest": b"x", "created_at": utc_now(), "updated_at": utc_now()}


@dataclass(frozen=True)
class Relation:
    """Relation of two ends; days are relative to today, None for an open end."""

    first: str
    second: str
    begins: int | None
    ends: int | None

    @property
    def holds(self) -> bool:
        """Return True if it holds today."""
        begun = self.begins is None or self.begins <= 0
        return begun and (self.ends is None or self.ends > 0)

    def days(self) -> dict[str, date | None]:
        """Return the columns of the days."""
        begins = None if self.begins is None else today(self.begins)
        return {"valid_from": begins, "valid_to": None if self.ends is None else today(self.ends)}


@dataclass(frozen=True)
class Roster:
    """Roster of a school: students in classes, and staff who teach and advise."""

    enrolments: list[Relation]
    teachings: list[Relation]
    advisings: list[Relation]

    def seen_by(self, person: str) -> set[str]:
        """Return the students that the person teaches, advises or is."""
        classes = {r.second for r in self.teachings if r.first == person and r.holds}
        taught = {r.first for r in self.enrolments if r.second in classes and r.holds}
        advised = {r.second for r in self.advisings if r.first == person and r.holds}
        return taught | advised | ({person} & {*STUDENTS})

    def store(self, connection: Connection) -> None:
        """Replace the relations that are stored."""
        columns: tuple[tuple[Any, list[Relation], str, str, dict[str, Any]], ...] = (
            (EnrolmentRow, self.enrolments, "student_id", "class_id", {}),
            (TeachingRow, self.teachings, "person_id", "class_id", {"is_primary": True}),
            (AdvisingRow, self.advisings, "person_id", "student_id", {}),
        )
        for model, relations, first, second, more in columns:
            connection.execute(delete(model))
            for number, r in enumerate(relations):
                ends = {first: r.first, second: r.second, "id": f"r{number}"}
                connection.execute(insert(model).values(**ends, **r.days(), **more, **SOURCED))


def relations(first: tuple[str, ...], second: tuple[str, ...]) -> st.SearchStrategy[list[Relation]]:
    """Return lists of relations, some of which hold today."""

    def ordered(relation: Relation) -> bool:
        return relation.begins is None or relation.ends is None or relation.begins <= relation.ends

    day = st.one_of(st.none(), st.integers(-2, 2))
    one = st.builds(Relation, st.sampled_from(first), st.sampled_from(second), day, day)
    return st.lists(one.filter(ordered), max_size=8)


ROSTERS = st.builds(
    Roster, relations(STUDENTS, CLASSES), relations(STAFF, CLASSES), relations(STAFF, STUDENTS)
)
Lister = Callable[[Managers, dict[str, Any]], Any]
MEMBERS = st.builds(
    Members, st.sampled_from((None, *CLASSES)), st.sampled_from((None, *STAFF, "unknown"))
)
QUERIES: st.SearchStrategy[tuple[str, Lister]] = st.one_of(
    st.builds(
        lambda members, search: (
            "id",
            lambda m, page: m.staffstuddash.students.search(members=members, search=search, **page),
        ),
        MEMBERS,
        st.sampled_from((None, "student", "2")),
    ),
    st.builds(
        lambda members, order: (
            "student_id",
            lambda m, page: m.staffstuddash.teacher_dashboard.search(
                members=members, order=order, **page
            ),
        ),
        MEMBERS,
        st.sampled_from(Order),
    ),
    st.builds(
        lambda course: (
            "student_id",
            lambda m, page: m.dropout.predictions.search(course=course, **page),
        ),
        st.sampled_from((None, *CLASSES)),
    ),
    st.just(("student_id", lambda m, page: m.staffstuddash.performance.search(**page))),
    st.just(("student_id", lambda m, page: m.staffstuddash.actions.search(**page))),
    st.just(("id", lambda m, page: m.dropout.students.search(**page))),
)


def listed(managers: Managers, query: tuple[str, Lister], limit: int) -> list[str]:
    """Return the students of all pages, in their order."""
    field, search = query
    found: list[str] = []
    after: str | None = None
    while True:
        page = search(managers, {"after": after, "limit": limit})
        found += [getattr(row, field) for row in page.items]
        after = page.next
        if after is None:
            return found


@pytest.fixture(scope="module")
def school(migrated_engine: Engine) -> Iterator[tuple[Connection, Managers]]:
    """Give a school without relations, rolled back at the end."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        managers = Managers.on(connection)
        datastore = managers.staffstuddash
        fill(datastore, students=len(STUDENTS), classes=CLASSES)
        outcomes(datastore, a_person("t2"))
        for number, id_ in enumerate(STUDENTS):
            datastore.actions.add(id_, "coach", "talk")
            managers.dropout.predictions.add(None, id_, "ENGAGEMENT", number / 10)
        yield connection, managers
        transaction.rollback()


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Take all changes of the block back."""
    connection.exec_driver_sql("SET LOCAL ROLE none")
    with connection.begin_nested() as savepoint:
        yield
        savepoint.rollback()


# Shrinking would take minutes on a database; the failing example is short enough.
@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(data=st.data())
def test_a_person_reads_what_the_definition_says(
    school: tuple[Connection, Managers], data: st.DataObject
) -> None:
    connection, managers = school
    with undone(connection):
        for _ in range(2):  # the second roster counts with the next request
            roster = data.draw(ROSTERS)
            connection.exec_driver_sql("SET LOCAL ROLE none")
            roster.store(connection)
            for person in data.draw(st.lists(st.sampled_from(PERSONS), min_size=1, max_size=2)):
                query = data.draw(QUERIES)
                seen, limit = roster.seen_by(person), data.draw(st.integers(1, 4))
                everybody = listed(managers, query, limit)
                with rows_limited_to(RowLimit(person)):
                    found = listed(managers, query, limit)
                assert found == [id_ for id_ in everybody if id_ in seen]


def test_the_definition_is_not_trivial(school: tuple[Connection, Managers]) -> None:
    connection, managers = school
    roster = Roster(
        [Relation("s002", "5a", -1, None), Relation("s003", "5a", None, 0)],
        [Relation("t1", "5a", 0, 1)],
        [Relation("t1", "s004", None, None), Relation("t1", "s005", 1, None)],
    )
    with undone(connection):
        roster.store(connection)
        query = ("id", lambda m, page: m.staffstuddash.students.search(**page))
        with rows_limited_to(RowLimit("t1")):
            found = listed(managers, query, 10)

    assert roster.seen_by("t1") == {"s002", "s004"}
    assert found == ["s002", "s004"]
