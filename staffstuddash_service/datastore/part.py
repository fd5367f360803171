"""What every part of the manager has: its database, and how a student is found in it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from shared_db.additions import PendingRow, Returned
from shared_db.database import Database
from shared_db.erasure import pseudonym_of
from shared_db.errors import ServiceError
from shared_db.naming import Outcome
from staffstuddash_service.errors import StudentGone, StudentNotFound
from staffstuddash_service.models import Base, Deletion, Student


@dataclass(frozen=True)
class Result:
    """What became of one row of a batch: its outcome, or why it was refused."""

    id: str
    outcome: Outcome | None
    refusal: ServiceError | None = None

    @property
    def is_stored(self) -> bool:
        """Tell whether the row is a new one."""
        return self.outcome is Outcome.STORED

    @property
    def returned(self) -> Returned:
        """What is told of a row that was given back from the spool."""
        if self.refusal is not None:
            return self.refusal
        assert self.outcome is not None  # noqa: S101 - one of the two
        return self.outcome


def pending_results(rows: Sequence[tuple[PendingRow, Outcome]]) -> list[Result]:
    """Return the results of rows that wait in the spool."""
    return [Result(row.id, outcome) for row, outcome in rows]


class Part:
    """One noun's methods of the manager. Each public method is one unit of work."""

    database: Database

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback


def find_student(session: Session, student_id: str, *, lock: bool = False) -> Student:
    """Return the student; with `lock` nobody else changes or erases what is theirs meanwhile.

    Raises:
        StudentGone: the student was erased.
        StudentNotFound: no student has that id.

    """
    student = session.get(Student, student_id, with_for_update=lock)
    if student is None:
        raise missing(session, [student_id])[student_id]
    return student


def lock_students(
    session: Session, student_ids: Collection[str], *, skip_locked: bool = False
) -> set[str]:
    """Lock the students in the order of their ids; return those that are there."""
    query = select(Student.id).where(Student.id.in_(student_ids)).order_by(Student.id)
    return set(session.scalars(query.with_for_update(skip_locked=skip_locked)))


def missing(session: Session, student_ids: Collection[str]) -> dict[str, ServiceError]:
    """Return for each of these students, who are not there, the refusal that tells why."""
    erased = gone_among(session, student_ids)
    return {id_: StudentGone(id_) if id_ in erased else StudentNotFound(id_) for id_ in student_ids}


def gone_among(session: Session, student_ids: Collection[str]) -> set[str]:
    """Return those of the students that were erased."""
    names = {pseudonym_of(id_): id_ for id_ in student_ids}
    query = select(Deletion.pseudonym).where(Deletion.pseudonym.in_(names))
    return {names[pseudonym] for pseudonym in session.scalars(query)}


Condition = Callable[[Any, Any], ColumnElement[bool]]


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    changed: Condition | None = None,
) -> None:
    """Insert rows or overwrite those of the same primary key.

    changed: of the stored and the new row, when to overwrite; by default always.
    """
    if not rows:
        return
    table = inspect(model).local_table
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(model)
    new = statement.excluded
    keys = [column.name for column in table.primary_key.columns]  # type: ignore[attr-defined]
    statement = statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: new[name] for name in rows[0] if name not in keys},
        where=changed(model, new) if changed else None,
    )
    # RETURNING makes SQLAlchemy send many rows a statement; without it each is one of its own, and
    # so is each run of rows with the same values absent unless their nulls are sent too.
    sent = statement.returning(table.c[keys[0]])
    session.execute(sent, rows, execution_options={"render_nulls": True}).all()
