"""Learning events as they come in, and the attempts that they show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.events.daily_rollup import rebuild_days_of, refresh_days_of
from dropout_service.database.students.locking import ensure_and_lock, require_student
from dropout_service.domain.enums import EventType
from dropout_service.domain.resource_view import clicks_of, resource_type_of
from dropout_service.domain.rules.activity import epoch_day
from dropout_service.errors import EventExists, StudentErased
from dropout_service.models import AttemptHistory, LearningEvent, Student
from shared_db.clock import utc_now
from shared_db.columns import row_of
from shared_db.errors import ServiceError
from shared_db.ids import new_id
from shared_db.queries.filters import Columns, Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.writes import (
    SpoolableType,
    insert_many_or_spool,
    insert_or_spool,
    insert_or_spool_async,
    write_deadline,
)
from shared_db.writes.group_commit import GroupCommit
from shared_db.writes.idempotent_insert import (
    Outcome,
    content_digest,
    content_digest_and_size,
    insert_many_idempotent,
)

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
    """A learning event before it is stored; without an id one is made, without a time it is now."""

    student_id: str
    event_type: EventType
    id: str | None = None
    question_id: str | None = None
    course: str | None = None
    data: dict[str, Any] | None = None
    occurred_at: datetime | None = None
    accepted_at: datetime | None = None


class Received(NamedTuple):
    """An event as a row that is not yet stored, and how many bytes its JSON has."""

    row: LearningEvent
    size: int


def _row(event: EventToStore, now: datetime) -> LearningEvent:
    return received(event, now).row


def _give(manager: "Events", events: Sequence[EventToStore]) -> list[Outcome]:
    return manager.add_learning_events(events)[1]


def _pending(
    rows: Sequence[tuple[LearningEvent, Outcome]],
) -> tuple[list[LearningEvent], list[Outcome]]:
    return [row for row, _ in rows], [outcome for _, outcome in rows]


# Not ordered: an event brings its student with it, and has its time.
EVENT = SpoolableType(
    "learning-event",
    EventToStore,
    _row,
    EventExists,
    _give,
    subject=lambda event: event.student_id,
    is_ordered=False,
)


class Events(Repository):
    """What students did."""

    commits: GroupCommit[Received, LearningEvent]

    def add_learning_event(
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
        """Store one event, and its student when not seen before.

        Raises:
            EventExists: the id is stored with other content.
            StudentDeleted: all data of the student were erased.
            Overloaded: too many events wait to be written.
            ValueError: there is no such kind of event.

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
        return insert_or_spool(self.database, EVENT, event, self._write)

    async def add_learning_event_async(self, event: EventToStore) -> LearningEvent:
        """Do the same for a task, which holds no thread while it waits."""
        return await insert_or_spool_async(self.database, EVENT, event, self._write_async)

    def add_learning_events(
        self, events: Sequence[EventToStore]
    ) -> tuple[list[LearningEvent], list[Outcome]]:
        """Store many events in one unit of work; return their rows and outcomes in order."""
        return insert_many_or_spool(self.database, EVENT, events, self._write_many, _pending)

    def _write(self, event: EventToStore) -> LearningEvent:
        came = received(event, utc_now())
        return self.commits.write(came, came.size)

    async def _write_async(self, event: EventToStore) -> LearningEvent:
        came = received(event, utc_now())
        return await self.commits.write_async(came, came.size)

    def _write_many(
        self, events: Sequence[EventToStore]
    ) -> tuple[list[LearningEvent], list[Outcome]]:
        now = utc_now()
        rows = [received(event, now).row for event in events]
        with self.database.unit_of_work() as session:
            return rows, _store(session, rows)

    def get_student_events(
        self,
        student_id: str,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[LearningEvent]:
        """Return the student's events, the latest first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(LearningEvent).where(LearningEvent.student_id == student_id)
        with self.database.reading_filtered() as session:
            require_student(session, student_id)
            query = query.where(*conditions(session, filters, EVENT_COLUMNS))
            return EVENTS_BY_TIME.page(session, query, after=after, limit=limit)

    def get_student_attempts(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[AttemptHistory]:
        """Return the student's answers with the number of the attempt, the latest first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(AttemptHistory).where(AttemptHistory.student_id == student_id)
        with self.database.reading() as session:
            require_student(session, student_id)
            return ATTEMPTS_BY_TIME.page(session, query, after=after, limit=limit)

    def rebuild_daily_activity(self, *, after: str = "", limit: int = 1000) -> str | None:
        """Make the rollup of the next students after an id anew from their events.

        Returns the last of them, to go on after, or None when there are no more. For rows that
        were stored past this manager, as an import does.
        """
        query = select(Student.id).where(Student.id > after).order_by(Student.id).limit(limit)
        with self.database.unit_of_work() as session:
            student_ids = session.scalars(query.with_for_update(key_share=True)).all()
            rebuild_days_of(session, student_ids)
            return student_ids[-1] if student_ids else None

    def _store_waiting(self, waiting: Sequence[Received]) -> list[LearningEvent | ServiceError]:
        rows = [came.row for came in waiting]
        with write_deadline(self.database), self.database.unit_of_work() as session:
            return _store_each(session, rows)


def _store(session: Session, rows: Sequence[LearningEvent]) -> list[Outcome]:
    gone = ensure_and_lock(session, {row.student_id for row in rows}, utc_now())
    kept = [row for row in rows if row.student_id not in gone]
    outcomes = insert_many_idempotent(session, kept)
    stored = [row for row, o in zip(kept, outcomes, strict=True) if o is Outcome.STORED]
    refresh_days_of(session, stored)
    of_kept = iter(outcomes)
    return [Outcome.ERASED if row.student_id in gone else next(of_kept) for row in rows]


def _store_each(
    session: Session, rows: Sequence[LearningEvent]
) -> list[LearningEvent | ServiceError]:
    """Store the events that are new; return each as stored, or why it was refused."""
    pairs = list(zip(rows, _store(session, rows), strict=True))
    repeated = _stored(session, [row.id for row, o in pairs if o is Outcome.REPEATED])

    def answer(row: LearningEvent, outcome: Outcome) -> LearningEvent | ServiceError:
        match outcome:
            case Outcome.STORED:
                return row
            case Outcome.REPEATED:
                return repeated[row.id]
            case Outcome.CONFLICT:
                return EventExists(row.id)
            case Outcome.ERASED:
                return StudentErased(row.student_id)

    return [answer(*pair) for pair in pairs]


def _stored(session: Session, ids: Sequence[str]) -> dict[str, LearningEvent]:
    if not ids:
        return {}
    events = session.scalars(select(LearningEvent).where(LearningEvent.id.in_(ids))).all()
    for event in events:
        event.is_replay = True
    return {event.id: event for event in events}


def received(event: EventToStore, now: datetime) -> Received:
    """Return the event as it came at `now`."""
    sent = dict(vars(event))
    event_id = sent.pop("id")
    at = sent.pop("accepted_at") or now
    digest, size = content_digest_and_size(sent)
    data = event.data or {}
    answered = data if event.event_type is EventType.QUESTION_SUBMIT else {}
    viewed = data if event.event_type is EventType.RESOURCE_VIEW else {}
    correct, answer = answered.get("correct"), answered.get("answer")
    occurred_at = event.occurred_at or at
    row = row_of(
        LearningEvent,
        **{**sent, "occurred_at": occurred_at},
        id=event_id or new_id(),
        day=epoch_day(occurred_at),
        is_correct=correct if isinstance(correct, bool) else None,
        answer_digest=None if answer is None else content_digest({"answer": answer}),
        resource_type=resource_type_of(viewed),
        clicks=clicks_of(viewed),
        recorded_at=at,
        digest=digest,
    )
    return Received(row, size)
