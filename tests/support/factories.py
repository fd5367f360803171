"""Bodies of requests with plausible values; each takes the values that a test is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def days(count: float) -> timedelta:
    """Return a duration of days."""
    return timedelta(days=count)


def a_student(**changes: Any) -> dict[str, Any]:
    """Return a student to POST."""
    return {"id": "s001", "name": "Ada Lovelace", "email": "ada@school.example", **changes}


def an_assessment(**changes: Any) -> dict[str, Any]:
    """Return an assessment to POST."""
    values = {"id": "a001", "student_id": "s001", "type": "exam", "subject": "Math", "score": 85}
    return {**values, "timestamp": NOON.isoformat(), **changes}


def a_draft(**changes: Any) -> dict[str, Any]:
    """Return a draft to POST."""
    content = "Light is scattered by the air, short waves more than long ones."
    values = {"id": "d001", "assignment_id": "essay", "content": content}
    return {**values, "timestamp": NOON.isoformat(), **changes}


def an_action(**changes: Any) -> dict[str, Any]:
    """Return an action to POST."""
    return {"action": "talk.with-student", "timestamp": NOON.isoformat(), **changes}


def a_concept(**changes: Any) -> dict[str, Any]:
    """Return a concept to POST."""
    values = {"id": "fractions", "concept": "fractions", "subject": "Math", "difficulty": 2}
    return {**values, **changes}


def a_learning_event(**changes: Any) -> dict[str, Any]:
    """Return a learning event to POST."""
    values = {"id": "evt001", "student_id": "s001", "event_type": "QUESTION_SUBMIT"}
    return {**values, "question_id": "q1", "occurred_at": NOON.isoformat(), **changes}


def a_system_event(**changes: Any) -> dict[str, Any]:
    """Return a monitoring event to POST."""
    values = {"event_id": "e001", "source": "catalogue", "event_type": "request"}
    return {**values, "timestamp": NOON.isoformat(), **changes}
