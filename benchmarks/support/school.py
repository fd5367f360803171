"""A synthetic school of any size in a database, computed by the service itself."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.overall_risks import keep_overall_risks
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
# Every other student, or each, has a prediction a week: copies of one that the service made, with
# other risks.
_RISKS = (
    """
INSERT INTO dropout.students SELECT copied.* FROM dropout.students made,
    generate_series(CAST(:first AS int), CAST(:last AS int), :step) n,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 's' || lpad(n::text, 6, '0'), 'pseudonym', 'none of ' || n)) copied
WHERE made.id = 'made'
""",
    """
INSERT INTO dropout.dropout_predictions SELECT copied.* FROM dropout.dropout_predictions made,
    generate_series(CAST(:weeks AS int) - 1, 0, -1) k,
    generate_series(CAST(:first AS int), CAST(:last AS int), :step) n,
    LATERAL (SELECT (abs(hashint4(n * 64 + k)) % 1000) / 1000.0 * (abs(hashint4(n)) % 1000)
        / 1000.0 AS score) risk,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 'p' || n || '-' || k, 'student_id', 's' || lpad(n::text, 6, '0'),
        'risk_score', score, 'risk_level', CASE WHEN score >= 0.8 THEN 'CRITICAL'
            WHEN score >= 0.6 THEN 'HIGH' WHEN score >= 0.3 THEN 'MEDIUM' ELSE 'LOW' END,
        'as_of', made.as_of - make_interval(days => 7 * k),
        'is_latest', k = 0, 'is_overall', k = 0)) copied
WHERE made.student_id = 'made'
""",
)


def fill(engine: Engine, student_count: int, *, weeks: int = 0) -> None:
    """Put students with ten marks each into an empty, migrated database.

    weeks: number of predictions of each student; 0: every other student has one.
    """
    datastore = DatastoreManager(Database.for_bind(engine, statement_timeout_seconds=600))
    for first in range(0, student_count, _BATCH):
        numbers = range(first, min(first + _BATCH, student_count))
        students = [StudentToStore(f"Pupil {n}", f"p{n}@school.example", _id(n)) for n in numbers]
        datastore.students.add_many(students)
    _predict_one(datastore, engine)
    span = {"first": 0, "last": student_count - 1, "weeks": weeks or 1, "step": 1 if weeks else 2}
    with engine.begin() as connection:
        for statement in (_MARKS, _ACTIONS, *_RISKS):
            connection.execute(text(statement), span)
        connection.execute(text(_DUE))
    _keep_risks(engine, student_count)
    while datastore.performance.refresh_due():
        pass
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _settle(connection)


def _id(number: int) -> str:
    return f"s{number:06}"


def _keep_risks(engine: Engine, student_count: int) -> None:
    for first in range(0, student_count, _BATCH):
        ids = [_id(n) for n in range(first, min(first + _BATCH, student_count))]
        with Session(engine) as session, session.begin():
            keep_overall_risks(session, ids)


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
