"""Predictions of a class of each student, of this week and the last, beside events of a few."""

from datetime import timedelta

from sqlalchemy import Engine, text

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from shared_db.connection.database import Database

_SIZE = 30
# Students of the classes of one teacher, and the days of which they have events.
_ACTIVE, _DAYS = 150, 60
_BATCH = 3000

# Copies of a prediction that the service made, with other places; another order each week.
_PREDICTIONS = """
INSERT INTO dropout.dropout_predictions SELECT copied.* FROM dropout.dropout_predictions made,
    (SELECT n, k, n / :size AS class, row_number() OVER (
        PARTITION BY n / :size, k ORDER BY hashint4(n * 64 + k)) AS place
     FROM generate_series(0, :last) n, generate_series(0, 1) k) ranked,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 'class-' || n || '-' || k, 'student_id', 's' || lpad(n::text, 6, '0'),
        'course', 'c' || class, 'is_class', true, 'course_rank', place, 'course_ranked', :size,
        'risk_score', 1 - place / 100.0, 'as_of', made.as_of - make_interval(days => 7 * k),
        'is_latest', k = 0, 'is_overall', false)) copied
WHERE made.student_id = 'made'
"""


def fill_places(engine: Engine, students: int) -> None:
    """Add to a school of members the predictions and events of classes."""
    dropout = DropoutDatabaseManager(Database.for_bind(engine, statement_timeout_seconds=600))
    now = utc_now()
    for week in range(10):
        moment = now - timedelta(weeks=week)
        dropout.events.add(None, "made", None, "NAVIGATION", occurred_at=moment)
    dropout.predictions.predict("made")
    events = [
        EventToStore(
            f"s{student:06}",
            EventType.QUESTION_SUBMIT,
            f"q{day}",
            None,
            f"c{student // _SIZE}",
            {"correct": day % 3 > 0},
            now - timedelta(days=day, minutes=student),
        )
        for student in range(min(_ACTIVE, students))
        for day in range(1, _DAYS)
        if (student + day) % (1 + student % 5) == 0
    ]
    for first in range(0, len(events), _BATCH):
        dropout.events.add_many(events[first : first + _BATCH])
    with engine.begin() as connection:
        connection.execute(text(_PREDICTIONS), {"size": _SIZE, "last": students - 1})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
