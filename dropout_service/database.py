"""The manager of this service: every query on its tables."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, cast, func, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from dropout_service.domain.kinds import EventType
from dropout_service.domain.risk import RULES_VERSION, Signs, assess, missing_for_assessment
from dropout_service.errors import (
    EventExists,
    NotAssessable,
    PredictionExists,
    PredictionNotFound,
    StudentNotFound,
)
from dropout_service.models import (
    Base,
    DropoutPrediction,
    LearningEvent,
    Student,
    published_assessments,
)
from dropout_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.ids import new_id
from shared_db.naming import Outcome, digest_of, store_named, store_one
from shared_db.paging import Keyset, Page

EVENTS_BY_TIME = Keyset("events", (LearningEvent.occurred_at, LearningEvent.id), is_descending=True)
PREDICTIONS_BY_RISK = Keyset(
    "predictions", (DropoutPrediction.risk_score, DropoutPrediction.id), is_descending=True
)


@dataclass(frozen=True)
class EventToStore:
    """A learning event before it is stored; without an id one is made, without a time it is now."""

    student_id: str
    event_type: EventType
    id: str | None = None
    question_id: str | None = None
    course: str | None = None
    data: dict[str, Any] | None = None
    occurred_at: datetime | None = None


class DropoutDatabaseManager:
    """Events, what they show, and predictions. Each method is one unit of work."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.from_settings("dropout", Base.metadata, Settings.load)
        self.get_session = self.database.get_session

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback

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
            ValueError: there is no such kind of event.

        """
        row = _event_row(
            EventToStore(
                student_id=student_id,
                event_type=EventType(event_type),
                id=event_id,
                question_id=question_id,
                course=course,
                data=data,
                occurred_at=occurred_at,
            ),
            utc_now(),
        )
        with self.database.unit_of_work() as session:
            _make_students(session, [row.student_id], row.recorded_at)
            return store_one(session, row, EventExists)

    def add_learning_events(
        self, events: Sequence[EventToStore]
    ) -> tuple[list[LearningEvent], list[Outcome]]:
        """Store many events in one unit of work; return their rows and outcomes in order."""
        now = utc_now()
        rows = [_event_row(event, now) for event in events]
        with self.database.unit_of_work() as session:
            _make_students(session, sorted({row.student_id for row in rows}), now)
            return rows, store_named(session, rows)

    def get_student_events(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[LearningEvent]:
        """Return the student's events, the latest first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(LearningEvent).where(LearningEvent.student_id == student_id)
        with self.database.reading() as session:
            if session.get(Student, student_id) is None:
                raise StudentNotFound(student_id)
            return EVENTS_BY_TIME.page(session, query, after=after, limit=limit)

    def predict(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        prediction_id: str | None = None,
    ) -> DropoutPrediction:
        """Make and store a prediction from what was known at `as_of`, by default now.

        Raises:
            StudentNotFound: nothing was heard of that student.
            NotAssessable: nothing was known of the student by then.
            PredictionExists: the id is stored for another student or instant.

        """
        now = utc_now()
        instant = as_of or now
        with self.database.unit_of_work() as session:
            signs = self._signs(session, student_id, instant)
            missing = missing_for_assessment(signs)
            student = session.get(Student, student_id, with_for_update=True)
            if missing:
                raise NotAssessable(student_id, missing) if student else StudentNotFound(student_id)
            _make_students(session, [student_id], now)
            row = _prediction_row(student_id, signs, instant, now)
            row.id = prediction_id or new_id()
            row.digest = digest_of({"student_id": student_id, "as_of": as_of})
            return _store_prediction(session, row)

    def get_latest_prediction(self, student_id: str) -> DropoutPrediction:
        """Return the student's prediction with the latest `as_of`.

        Raises:
            PredictionNotFound: none was made.

        """
        query = select(DropoutPrediction).where(
            DropoutPrediction.student_id == student_id, DropoutPrediction.is_latest
        )
        with self.database.reading() as session:
            found = session.scalar(query)
        if found is None:
            raise PredictionNotFound(student_id)
        return found

    def get_predictions(
        self, *, after: str | None = None, limit: int = 100
    ) -> Page[DropoutPrediction]:
        """Return each student's latest prediction, the highest risk first.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.is_latest)
        with self.database.reading() as session:
            return PREDICTIONS_BY_RISK.page(session, query, after=after, limit=limit)

    def _signs(self, session: Session, student_id: str, as_of: datetime) -> Signs:
        events = select(
            LearningEvent.occurred_at.label("at"),
            cast(LearningEvent.is_correct, Integer).label("share"),
        ).where(LearningEvent.student_id == student_id, LearningEvent.occurred_at <= as_of)
        known = events
        if not self.use_fallback:
            mark = published_assessments.c
            marks = select(mark.submitted_at, mark.score / mark.max_score)
            marks = marks.where(mark.student_id == student_id, mark.submitted_at <= as_of)
            known = union_all(events, marks)  # type: ignore[assignment] # of the same columns
        sign = known.subquery()
        query = select(func.max(sign.c.at), func.avg(sign.c.share), func.count(sign.c.share))
        last, share, count = session.execute(query).one()
        return Signs(last, None if share is None else float(share), count)


def _event_row(event: EventToStore, now: datetime) -> LearningEvent:
    sent = asdict(event)
    correct = (event.data or {}).get("correct")
    is_answer = event.event_type is EventType.QUESTION_SUBMIT and isinstance(correct, bool)
    return LearningEvent(
        **{**sent, "id": event.id or new_id(), "occurred_at": event.occurred_at or now},
        is_correct=correct if is_answer else None,
        recorded_at=now,
        digest=digest_of({name: value for name, value in sent.items() if name != "id"}),
    )


def _make_students(session: Session, student_ids: Sequence[str], now: datetime) -> None:
    if not student_ids:
        return  # an INSERT without rows would be one of defaults
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(Student).on_conflict_do_nothing(index_elements=["id"])
    session.execute(insert, [{"id": id_, "created_at": now} for id_ in student_ids])


def _prediction_row(
    student_id: str, signs: Signs, as_of: datetime, now: datetime
) -> DropoutPrediction:
    assessment = assess(signs, as_of)
    primary, *secondary = [asdict(indicator) for indicator in assessment.indicators]
    return DropoutPrediction(
        student_id=student_id,
        dropout_type=assessment.dropout_type,
        risk_score=assessment.risk_score,
        risk_level=assessment.risk_level,
        confidence=assessment.confidence,
        primary_indicators=[primary],
        secondary_indicators=secondary,
        recommendations=list(assessment.recommendations),
        rules_version=RULES_VERSION,
        as_of=as_of,
        created_at=now,
        is_latest=False,
    )


def _store_prediction(session: Session, row: DropoutPrediction) -> DropoutPrediction:
    stored = store_one(session, row, PredictionExists)
    if stored.is_repeat:
        return stored
    latest = select(DropoutPrediction).where(
        DropoutPrediction.student_id == row.student_id, DropoutPrediction.is_latest
    )
    before = session.scalar(latest)
    if before is None or before.as_of <= row.as_of:
        one = update(DropoutPrediction)
        if before is not None:
            session.execute(one.where(DropoutPrediction.id == before.id).values(is_latest=False))
        session.execute(one.where(DropoutPrediction.id == row.id).values(is_latest=True))
    return session.get_one(DropoutPrediction, row.id)


db_manager = DropoutDatabaseManager()


def get_db() -> Iterator[Session]:
    """Give a plain session; for a dependency outside, `Depends(get_db, scope="function")`.

    The caller commits before it answers: what follows `yield` runs after the response is sent.
    """
    with closing(db_manager.get_session()) as session:
        yield session
