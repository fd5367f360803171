"""Views of the in-memory store, which has no rows of other services."""

from sqlalchemy import DDL, event

from dropout_service.models.base import Base

_VIEWS = {
    "known_assessments": (
        "SELECT id, student_id, subject, score, max_score, submitted_at FROM assessments"
        " WHERE score IS NOT NULL"
    ),
    "known_students": "SELECT id FROM students",
    "attempt_history": (
        "SELECT id, student_id, question_id, course, row_number() OVER (PARTITION BY student_id,"
        " question_id ORDER BY occurred_at, id) AS attempt, is_correct, data, occurred_at"
        " FROM learning_events"
        " WHERE event_type = 'QUESTION_SUBMIT' AND question_id IS NOT NULL"
    ),
}

for _name, _query in _VIEWS.items():
    event.listen(
        Base.metadata,
        "after_create",
        DDL(f"CREATE VIEW {_name} AS {_query}").execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call] # SQLAlchemy's
    )
