"""A synthetic school of any size in a database, computed by the service itself."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, text

from dropout_service.database import DropoutDatabaseManager
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager, StudentToStore

_BATCH = 5000

# Ten marks a student over ten weeks, in three subjects of two concepts; every pupil's own level
# and drift come from a hash of the number, so the school is the same in each run.
_MARKS = """
INSERT INTO staffstuddash.assessment_logs
    (id, student_id, type, subject, topic, score, max_score, timestamp, created_at, digest,
     extra_credit, excused)
SELECT 'a' || n || '-' || k, 's' || lpad(n::text, 6, '0'), 'quiz',
       (ARRAY['Math', 'Art', 'History'])[1 + k % 3], 'concept ' || (k % 3) || (n % 2),
       greatest(0, least(100, 35 + abs(hashint4(n)) % 55 + (abs(hashint4(n + 7)) % 9 - 4) * k
                              + abs(hashint4(n * 31 + k)) % 13)),
       100, now() - make_interval(days => 7 * (10 - k), mins => n % 1440), now(), '\\x00',
       false, false
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n, generate_series(1, 10) k
"""
_DUE = "UPDATE staffstuddash.performance_records SET due_at = now()"
_ACTIONS = """
INSERT INTO staffstuddash.action_logs
    (id, student_id, actor, action, is_intervention, timestamp, digest)
SELECT 'act' || n, 's' || lpad(n::text, 6, '0'), 'bench', 'talk', true,
       now() - make_interval(hours => n % 500), '\\x00'
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
"""
# Every other student has a prediction: a copy of one that the service made, with another risk.
_RISKS = (
    """
INSERT INTO dropout.students SELECT copied.* FROM dropout.students made,
    generate_series(CAST(:first AS int), CAST(:last AS int), 2) n,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 's' || lpad(n::text, 6, '0'), 'pseudonym', 'none of ' || n)) copied
WHERE made.id = 'made'
""",
    """
INSERT INTO dropout.dropout_predictions SELECT copied.* FROM dropout.dropout_predictions made,
    generate_series(CAST(:first AS int), CAST(:last AS int), 2) n,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 'p' || n, 'student_id', 's' || lpad(n::text, 6, '0'),
        'risk_score', (abs(hashint4(n)) % 1000) / 1000.0)) copied
WHERE made.student_id = 'made'
""",
)


def fill(engine: Engine, student_count: int) -> None:
    """Put students with ten marks each into an empty, migrated database."""
    datastore = DatastoreManager(Database.for_bind(engine, statement_timeout_seconds=600))
    for first in range(0, student_count, _BATCH):
        numbers = range(first, min(first + _BATCH, student_count))
        students = [StudentToStore(f"Pupil {n}", f"p{n}@school.example", _id(n)) for n in numbers]
        datastore.students.add_many(students)
    _predict_one(datastore, engine)
    span = {"first": 0, "last": student_count - 1}
    with engine.begin() as connection:
        for statement in (_MARKS, _ACTIONS, *_RISKS):
            connection.execute(text(statement), span)
        connection.execute(text(_DUE))
    while datastore.performance.refresh_due():
        pass
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _settle(connection)


def _id(number: int) -> str:
    return f"s{number:06}"


def _predict_one(datastore: DatastoreManager, engine: Engine) -> None:
    now = utc_now()
    dropout = DropoutDatabaseManager(Database.for_bind(engine))
    datastore.add_student("made", "Pupil with enough data")
    for week in range(10):
        moment = now - timedelta(weeks=week)
        datastore.add_assessment("made", "quiz", "Math", 50 + week, timestamp=moment)
        dropout.events.add(None, "made", None, "NAVIGATION", occurred_at=moment)
    dropout.predictions.predict("made")


def _settle(connection: Connection) -> None:
    # Like autovacuum within minutes: visibility for index-only scans, and statistics.
    connection.execute(text("VACUUM (ANALYZE)"))
