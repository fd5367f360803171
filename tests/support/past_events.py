"""Events of one student at chosen instants, and their features at another."""

from datetime import datetime
from typing import Any

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType

SUBMIT, HINT, VIEW = EventType.QUESTION_SUBMIT, EventType.HINT_REQUEST, EventType.RESOURCE_VIEW
START, END = EventType.SESSION_START, EventType.SESSION_END


def an_event(when: datetime, kind: EventType = VIEW, **values: Any) -> EventToStore:
    return EventToStore("s001", kind, occurred_at=when, **values)


def an_answer(when: datetime, question: str, answer: str, *, right: bool) -> EventToStore:
    return an_event(
        when, SUBMIT, question_id=question, data={"correct": right, "answer": answer}, course="math"
    )


def features_at(manager: DropoutDatabaseManager, as_of: datetime) -> dict[str, Any]:
    return manager.features.compute("s001", as_of=as_of).features
