"""School with a roster in a database: made by SQL, because a million rows take too long otherwise.

Each student is in ten classes of thirty. One teacher teaches five classes that have 150 students,
and one advisor has two thousand.
"""

from sqlalchemy import Engine, text

TEACHER, ADVISOR = "t0", "v0"
ADVISED = 2000
_SIZE, _TAUGHT = 30, 5

_STUDENTS = """
INSERT INTO staffstuddash.students
    (id, name, email, sort_key, search_text, created_at, updated_at, digest)
SELECT 's' || lpad(n::text, 6, '0'), 'Pupil ' || n, 'p' || n || '@school.example', 'pupil ' || n,
       'pupil ' || n || E'\\np' || n || '@school.example', now(), now(), '\\x00'
FROM generate_series(0, :last) n
"""
_ROSTER = (
    """
    INSERT INTO staffstuddash.classes (id, title, type, term_ids, subjects, grades, source, digest,
        created_at, updated_at)
    SELECT 'c' || c, 'Class ' || c, 'scheduled', '[]', '[]', '[]', 'bench', '\\x00', now(), now()
    FROM generate_series(0, :classes - 1) c
    """,
    """
    INSERT INTO staffstuddash.people (id, name, role, organisation_ids, source, digest, created_at,
        updated_at)
    SELECT kind || p, 'Person ' || p, 'teacher', '[]', 'bench', '\\x00', now(), now()
    FROM generate_series(0, :classes / :taught) p, unnest(ARRAY['t', 'v']) kind
    """,
    """
    INSERT INTO staffstuddash.teaching_assignments (id, person_id, class_id, is_primary, valid_from,
        source, digest, created_at, updated_at)
    SELECT 'l' || c, 't' || c / :taught, 'c' || c, true, current_date - 90, 'bench', '\\x00', now(),
        now() FROM generate_series(0, :classes - 1) c
    """,
    """
    INSERT INTO staffstuddash.enrolments (id, student_id, class_id, valid_from, source, digest,
        created_at, updated_at)
    SELECT 'e' || n || '-' || k, 's' || lpad(n::text, 6, '0'),
        'c' || n / :size + k * (:classes / 10), current_date - 90, 'bench', '\\x00', now(), now()
    FROM generate_series(0, :last) n, generate_series(0, 9) k
    """,
    """
    INSERT INTO staffstuddash.advising_assignments (id, person_id, student_id, source, digest,
        created_at, updated_at)
    SELECT 'a' || n,
        CASE WHEN n % :every = 0 THEN 'v0' ELSE 'v' || 1 + n % (:classes / :taught) END,
        's' || lpad(n::text, 6, '0'), 'bench', '\\x00', now(), now()
    FROM generate_series(0, :last) n
    """,
)
_WORK = (
    """
    INSERT INTO staffstuddash.assessment_logs
        (id, student_id, type, subject, topic, score, max_score, extra_credit, excused, timestamp,
        created_at, digest)
    SELECT 'a' || n || '-' || k, 's' || lpad(n::text, 6, '0'), 'quiz',
        (ARRAY['Math', 'Art', 'History'])[1 + k % 3], 'concept ' || k % 3 || n % 2,
        abs(hashint4(n * 31 + k)) % 101, 100, false, false,
        now() - make_interval(days => 7 * k, mins => n % 1440), now(), '\\x00'
    FROM generate_series(0, :last) n, generate_series(1, :marks) k
    """,
    """
    INSERT INTO staffstuddash.performance_records
        (student_id, mean_percentage, assessment_count, last_submitted_at, subjects, strengths,
        weaknesses, status, status_reasons, learning_state, setback_count, draft_count, assignments,
        last_activity_at, updated_at)
    SELECT student_id, avg(score), count(*), max(timestamp), '[]', '[]', '[]',
        (ARRAY['safe', 'review_needed', 'high_risk'])[1 + abs(hashtext(student_id)) % 3], '[]',
        (ARRAY['PROGRESSING', 'PLATEAU', 'STALLED'])[1 + abs(hashtext(student_id)) % 3], 0, 0, '[]',
        max(timestamp), now()
    FROM staffstuddash.assessment_logs GROUP BY student_id
    """,
    """
    INSERT INTO staffstuddash.concept_standings
        (student_id, subject, concept, assessment_count, mean_percentage, learning_state,
        last_submitted_at)
    SELECT student_id, subject, topic, count(*), avg(score),
        (ARRAY['PROGRESSING', 'PLATEAU', 'STALLED'])[1 + abs(hashtext(student_id || topic)) % 3],
        max(timestamp)
    FROM staffstuddash.assessment_logs GROUP BY student_id, subject, topic
    """,
    """
    INSERT INTO staffstuddash.action_logs
        (id, student_id, actor, action, is_intervention, timestamp, digest)
    SELECT 'x' || n, 's' || lpad(n::text, 6, '0'), 'bench', 'talk', true,
        now() - make_interval(hours => n % 500), '\\x00' FROM generate_series(0, :last) n
    """,
    """
    INSERT INTO dropout.students (id, pseudonym, created_at)
    SELECT 's' || lpad(n::text, 6, '0'), 'none of ' || n, now() FROM generate_series(0, :last) n
    """,
    """
    INSERT INTO dropout.learning_events
        (id, student_id, event_type, occurred_at, day, recorded_at, digest)
    SELECT 'v' || n || '-' || k, 's' || lpad(n::text, 6, '0'), 'NAVIGATION',
        now() - make_interval(days => k), extract(epoch FROM now())::int / 86400 - k, now(), '\\x00'
    FROM generate_series(0, :last) n, generate_series(1, :marks) k
    """,
    """
    INSERT INTO dropout.dropout_predictions
        (id, student_id, dropout_type, risk_score, risk_level, primary_indicators,
        secondary_indicators, recommendations, missing, version, as_of, created_at, is_latest,
        is_overall, is_class, digest)
    SELECT 'p' || n, 's' || lpad(n::text, 6, '0'), 'SILENT', (abs(hashint4(n)) % 1000) / 1000.0,
        'LOW', '[]', '[]', '[]', '[]', 'bench', now(), now(), true, true, false, '\\x00'
    FROM generate_series(0, :last, 2) n
    """,
)


def fill(engine: Engine, students: int, marks: int) -> None:
    """Put students with a roster, and so many marks and events of each, into an empty database."""
    classes = (students // _SIZE + 1) * 10
    values = {
        "last": students - 1,
        "classes": classes,
        "size": _SIZE,
        "taught": _TAUGHT,
        "every": max(1, students // ADVISED),
        "marks": marks,
    }
    with engine.begin() as connection:
        for statement in (_STUDENTS, *_ROSTER, *_WORK):
            known = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), known)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
