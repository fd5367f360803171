"""Learning events: repository, with the attempts at questions that events show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.events.daily_rollup import rebuild_days_of, refresh_days_of
from dropout_service.database.events.other_ids import accept_other_ids
from dropout_service.database.students.locking import (
    ensure_and_lock,
    insert_unless_erased,
    require_student,
)
from dropout_service.domain.enums import EventType
from dropout_service.domain.resource_view import clicks_of, resource_type_of
from dropout_service.domain.rules.activity import epoch_day
from dropout_service.errors import EventExists, StudentErased
from dropout_service.models import AttemptHistory, LearningEvent, Student
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.connection.persons import require_system
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.ingest_repository import IngestRepository, Received
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.results import InsertResult, Outcome
from shared_db.spool.access import SpoolAccess
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import content_digest, content_digest_and_size

EVENTS_BY_TIME = Keyset("events", (LearningEvent.occurred_at, LearningEvent.id), is_descending=True)
ATTEMPTS_BY_TIME = Keyset(
    "attempts", (AttemptHistory.occurred_at, AttemptHistory.id), is_descending=True
)
EVENT_COLUMNS: Columns = {
    "event_type": LearningEvent.event_type,
    "question_id": LearningEvent.question_id,
    "course": LearningEvent.course,
    "occurred_at": LearningEvent.occurred_at,
    "recorded_at": LearningEvent.recorded_at,
}


# Not frozen, which would make its constructor take three times as long for each item of a batch.
@dataclass
class EventToStore:
    """Learning event to insert; without an id it gets a new one, without a time the present."""

    student_id: str
    event_type: EventType
    id: str | None = None
    question_id: str | None = None
    course: str | None = None
    data: dict[str, Any] | None = None
    occurred_at: datetime | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        return received(self, now).row


def _replay(manager: Any, events: Sequence[EventToStore]) -> list[InsertResult]:
    results: list[InsertResult] = manager.events.add_many(events)
    return results


# Not ordered: an event creates its student, and has its own time.
EVENT = SpoolableType(
    "learning-event",
    EventToStore,
    LearningEvent,
    EventToStore.values,
    EventExists,
    _replay,
    subject=lambda event: event.student_id,
    is_ordered=False,
)


class EventRepository(IngestRepository[EventToStore, LearningEvent]):
    """Learning events. Single inserts share transactions by group commit."""

    def __init__(self, database: Database, spool: SpoolAccess | None = None) -> None:
        super().__init__(
            database, spool, EVENT, lambda event: received(event, utc_now()), _insert_each
        )

    def add(
        self,
        event_id: str | None,
        student_id: str,
        question_id: str | None,
        event_type: EventType | str,
        *,
        course: str | None = None,
        data: dict[str, Any] | None = None,
        occurred_at: datetime | None = None,
    ) -> LearningEvent:
        """Insert one event, and its student if new.

        data: a consumed key with a value of a wrong type counts as unknown. The routes refuse it;
        here it is accepted, so that rows of a spool of an older release are stored.

        Raises:
            EventExists: the id is stored with other content.
            StudentErased: all data of the student were erased.
            Overloaded: too many events wait to be written.
            ValueError: there is no such event type.

        """
        event = EventToStore(
            student_id=student_id,
            event_type=EventType(event_type),
            id=event_id,
            question_id=question_id,
            course=course,
            data=data,
            occurred_at=occurred_at,
        )
        return self.insert_grouped(event)

    async def add_async(self, event: EventToStore) -> LearningEvent:
        """Insert one event as `add` does; the task uses no thread while it waits."""
        return await self.insert_grouped_async(event)

    def add_many(self, events: Sequence[EventToStore]) -> list[InsertResult]:
        """Insert events, and their students if new; return the result of each, in order.

        Raises:
            NotForPersons: the request is that of a person with limited sight.

        """
        require_system()
        return self.insert_many(EVENT, events, _insert_many)

    def search(self, student_id: str, **options: Unpack[PageOptions]) -> Page[LearningEvent]:
        """Return the student's events, the latest first.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            ServiceError: as `Repository.page`.

        """
        query = select(LearningEvent).where(LearningEvent.student_id == student_id)
        return self.page(
            EVENTS_BY_TIME,
            query,
            EVENT_COLUMNS,
            require=lambda session: require_student(session, student_id),
            **options,
        )

    def search_attempts(
        self, student_id: str, **options: Unpack[PageOptions]
    ) -> Page[AttemptHistory]:
        """Return the student's answers with the number of the attempt, the latest first.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            ServiceError: as `Repository.page`.

        """
        query = select(AttemptHistory).where(AttemptHistory.student_id == student_id)
        return self.page(
            ATTEMPTS_BY_TIME,
            query,
            require=lambda session: require_student(session, student_id),
            **options,
        )

    def rebuild_daily_activity(self, *, after: str = "", limit: int = 1000) -> str | None:
        """Recompute the rollup of the next students by id from their events.

        Returns the last of them, to go on after, or None when there are no more. For events that
        were inserted without this repository.
        """
        query = select(Student.id).where(Student.id > after).order_by(Student.id).limit(limit)

        def rebuild(session: Session) -> str | None:
            student_ids = session.scalars(query.with_for_update(key_share=True)).all()
            rebuild_days_of(session, student_ids)
            return student_ids[-1] if student_ids else None

        return self.write(rebuild)


def received(event: EventToStore, now: datetime) -> Received:
    """Return the row of an event that came at `now`, and the size of its JSON."""
    sent = dict(vars(event))
    event_id = sent.pop("id")
    at = sent.pop("accepted_at") or now
    digest, size = content_digest_and_size(sent)
    data = event.data or {}
    answered = data if event.event_type is EventType.QUESTION_SUBMIT else {}
    viewed = data if event.event_type is EventType.RESOURCE_VIEW else {}
    correct, answer = answered.get("correct"), answered.get("answer")
    occurred_at = event.occurred_at or at
    row = {
        **sent,
        "occurred_at": occurred_at,
        "id": event_id or new_id(),
        "day": epoch_day(occurred_at),
        "is_correct": correct if isinstance(correct, bool) else None,
        "answer_digest": None if answer is None else content_digest({"answer": answer}),
        "resource_type": resource_type_of(viewed),
        "clicks": clicks_of(viewed),
        "recorded_at": at,
        "digest": digest,
    }
    return Received(row, size)


def _insert_many(session: Session, events: Sequence[EventToStore]) -> list[InsertResult]:
    now = utc_now()
    return _insert_rows(session, [received(event, now).row for event in events])


def _insert_rows(session: Session, rows: Sequence[Row]) -> list[InsertResult]:
    locked = ensure_and_lock(session, {row["student_id"] for row in rows}, utc_now())
    is_erased = [row["student_id"] in locked.erased for row in rows]
    for row in rows if locked.merged else ():
        # The digest stays that of the sent id: a repeated request has it, too.
        row["student_id"] = locked.owner(row["student_id"])
    results = insert_unless_erased(session, LearningEvent, rows, is_erased)
    if any(result.outcome is Outcome.CONFLICT for result in results):
        results = accept_other_ids(session, rows, results)
    pairs = zip(rows, results, strict=True)
    refresh_days_of(session, [row for row, result in pairs if result.is_stored])
    return results


def _insert_each(session: Session, rows: Sequence[Row]) -> list[LearningEvent | ServiceError]:
    """Insert the events that are new; return the stored row or the refusal of each."""
    results = _insert_rows(session, rows)
    repeated = _replays(session, [r.id for r in results if r.outcome is Outcome.REPEATED])

    def answer(row: Row, outcome: Outcome) -> LearningEvent | ServiceError:
        match outcome:
            case Outcome.STORED:
                return _event_of(row)
            case Outcome.REPEATED:
                return repeated[row["id"]]
            case Outcome.ERASED:
                return StudentErased(row["student_id"])
            case _:
                return EventExists(row["id"])

    return [answer(row, result.outcome) for row, result in zip(rows, results, strict=True)]


def _event_of(row: Row) -> LearningEvent:
    event = LearningEvent()
    # Set one by one, attributes record their history, which takes five times as long.
    vars(event).update(row)
    return event


def _replays(session: Session, ids: Sequence[str]) -> dict[str, LearningEvent]:
    """Return the stored events of these ids, marked as replays."""
    if not ids:
        return {}
    events = session.scalars(select(LearningEvent).where(LearningEvent.id.in_(ids))).all()
    for event in events:
        event.is_replay = True
    return {event.id: event for event in events}
