"""Students with rows to merge, and calls beside a merge."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event

from dropout_service.database import EventToStore
from dropout_service.domain.enums import EventType
from shared_db.errors import DatabaseBusy
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import MergedElsewhere
from tests.support.factories import NOON, days

# Tables of the roster: of students without rows in them, and those in which rows can conflict.
NO_ROSTER = {
    "enrolments": 0,
    "advising_assignments": 0,
    "guardians": 0,
    "student_identifiers": 0,
    "student_demographics": 0,
    "holds": 0,
    "student_restrictions": 0,
    "read_subjects": 0,
    "break_glass": 0,
}
NO_ROSTER_CONFLICTS = {
    "holds": 0,
    "enrolments": 0,
    "advising_assignments": 0,
    "student_demographics": 0,
    "student_restrictions": 0,
}
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def fill(manager: DatastoreManager, student_id: str, score: float, day: int) -> None:
    """Insert a student with a row in every table."""
    at = NOON + days(day)
    manager.add_student(student_id, f"Name of {student_id}", f"{student_id}@school.example")
    for number in range(3):
        manager.add_assessment(
            student_id,
            "quiz",
            "Math",
            score,
            topic="sets",
            timestamp=at + days(number),
            assessment_id=f"{student_id}-{number}",
        )
    for number, content in enumerate((" ".join(WORDS[:5]), " ".join(WORDS[: 5 + day % 5]))):
        manager.add_draft(student_id, "essay", content, timestamp=at + days(number / 2))
    manager.actions.add(student_id, "teacher", "call", timestamp=at)


def versions(manager: DatastoreManager, student_id: str) -> list[tuple[object, ...]]:
    drafts = manager.drafts.search_by_student(student_id).items
    names = ("assignment_id", "version", "content", "new_words", "change_type", "retained_share")
    return sorted(tuple(getattr(draft, name) for name in names) for draft in drafts)


def record(manager: DatastoreManager, student_id: str) -> dict[str, object]:
    found = vars(manager.get_performance_record(student_id))
    varying = ("_sa_instance_state", "student_id", "updated_at")
    return {name: value for name, value in found.items() if name not in varying}


def repeated(call: Callable[[], Any]) -> Any:
    """Call until the database is not busy, as a client does after a 503."""
    for _ in range(50):
        try:
            return call()
        except DatabaseBusy:
            continue
        except MergedElsewhere:
            return None
    raise AssertionError("always busy")


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that run meanwhile."""
    run = list[str]()

    def collect(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    event.listen(Engine, "before_cursor_execute", collect)
    try:
        yield run
    finally:
        event.remove(Engine, "before_cursor_execute", collect)


def answers_and_views(student_id: str, numbers: range, name: str = "") -> list[EventToStore]:
    """Return answers and views, at times between those of other numbers."""
    return [
        EventToStore(
            student_id,
            EventType.QUESTION_SUBMIT if number % 3 else EventType.RESOURCE_VIEW,
            id=f"{name or student_id}-{number}",
            question_id=f"q{number % 4}" if number % 3 else None,
            course="math",
            data={"correct": number % 2 == 0, "answer": number % 5}
            if number % 3
            else {"activity": f"kind{number % 2}", "clicks": 2},
            occurred_at=NOON + timedelta(hours=number * 7),
        )
        for number in numbers
    ]
