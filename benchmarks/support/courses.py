"""Courses of a synthetic school, with weekly predictions and activity of each student."""

from sqlalchemy import Engine, text

SIZE = 500
_COURSES = """
INSERT INTO dropout.courses
    (id, module, presentation, starts_on, length_days, activity_from, digest)
SELECT 'c' || lpad(c::text, 3, '0'), 'module ' || c, '1',
       current_date - CAST(:days AS int), CAST(:days AS int) + 60, 0, '\\x00'
FROM generate_series(0, CAST(:courses AS int) - 1) c
"""
_STUDENTS = """
INSERT INTO dropout.students SELECT copied.* FROM dropout.students made,
    generate_series(0, CAST(:students AS int) - 1) n,
    jsonb_populate_record(made, jsonb_build_object(
        'id', 's' || lpad(n::text, 6, '0'), 'pseudonym', 'none of ' || n)) copied
WHERE made.id = 'made' ON CONFLICT DO NOTHING
"""
_ENROLMENTS = """
INSERT INTO dropout.enrolments (id, student_id, course_id, registered_day, digest)
SELECT 'e' || n, 's' || lpad(n::text, 6, '0'), 'c' || lpad((n / :size)::text, 3, '0'), -5, '\\x00'
FROM generate_series(0, CAST(:students AS int) - 1) n
"""
# A hash of student and week is the risk, to which the student's own level is added.
_PREDICTIONS = """
INSERT INTO dropout.dropout_predictions
    (id, student_id, course, dropout_type, risk_score, risk_level, confidence, base_log_odds,
     course_rank, course_ranked, primary_indicators, secondary_indicators, recommendations,
     missing, version, as_of, created_at, is_class, is_latest, is_overall, digest)
SELECT 'c' || n || '-' || CAST(:back AS int), 's' || lpad(n::text, 6, '0'),
       'c' || lpad((n / :size)::text, 3, '0'), 'ENGAGEMENT', score, 'MEDIUM', 1, -2,
       row_number() OVER (PARTITION BY n / :size ORDER BY score DESC, n), :size,
       made.primary_indicators, made.secondary_indicators, made.recommendations, made.missing,
       'model-1', at, at, false, CAST(:back AS int) = 0, false, '\\x00'
FROM dropout.dropout_predictions made, generate_series(0, CAST(:students AS int) - 1) n,
     LATERAL (SELECT (abs(hashint4(n)) % 600 + abs(hashint4(n * 64 + CAST(:back AS int))) % 400)
              / 1000.0 AS score, now() - make_interval(days => 7 * CAST(:back AS int)) AS at) risk
WHERE made.student_id = 'made'
"""
# Three or so days a week.
_ACTIVITY = """
INSERT INTO dropout.daily_activity
    (student_id, day, course, first_at, last_at, events, submissions, graded, correct, answers,
     questions_new, questions_solved, compared, kept, hints, sessions, session_seconds, clicks)
SELECT 's' || lpad(n::text, 6, '0'), CAST(:day AS int), 'c' || lpad((n / :size)::text, 3, '0'),
       at, at, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 60, 5
FROM generate_series(0, least(CAST(:active AS int), CAST(:students AS int)) - 1) n,
     to_timestamp(86400 * CAST(:day AS int) + 43200) at
WHERE abs(hashint4(n * 512 + CAST(:day AS int))) % 7 < 3
"""


def fill_courses(engine: Engine, students: int, *, weeks: int, active: int) -> None:
    """Put courses of 500 students each into a database that `fill` has filled.

    weeks: of predictions in the courses, and of activity of the first `active` students.
    """
    days = 7 * weeks
    span = {"students": students, "size": SIZE, "courses": students // SIZE, "days": days}
    with engine.begin() as connection:
        for statement in (_COURSES, _STUDENTS, _ENROLMENTS):
            connection.execute(text(statement), span)
        today = connection.scalar(text("SELECT current_date - date '1970-01-01'")) or 0
    for back in range(weeks - 1, -1, -1):
        with engine.begin() as connection:
            connection.execute(text(_PREDICTIONS), span | {"back": back})
    for back in range(days):
        with engine.begin() as connection:
            connection.execute(text(_ACTIVITY), span | {"day": today - back, "active": active})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
