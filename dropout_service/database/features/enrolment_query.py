"""SQL of the features of each enrolment still registered, and of its course; PostgreSQL only.

Only rows up to the end of the course's cut-off day are read. A submission has the day on which it
was handed in, a row of the rollup its day, a resource the first day of its use.
"""

from dropout_service.domain.enrolments.enrolment_features import (
    ACTIVITY_WINDOWS,
    LAST_DUE,
    MAX_COMPLETION_SCORE,
)


def rounded(expression: str) -> str:
    """Return the SQL of a sum of fractions or a quotient, rounded to 9 decimals.

    The last bits depend on the order of the rows, and equal students must have equal ranks.
    """
    return f"round(({expression})::numeric, 9)::float8"


# The cut-off is a day of each course (:day) or a date (:today, days since 1970-01-01).
COURSE = """
SELECT c.id, c.module, c.activity_from, c.starts_on - DATE '1970-01-01' AS first_day, cut.day,
    coalesce(cut.day BETWEEN c.activity_from AND coalesce(c.activity_until, cut.day), false)
        AS has_activity
FROM dropout.courses AS c
CROSS JOIN LATERAL (
    SELECT coalesce(CAST(:day AS integer), CAST(:today AS integer)
        - (c.starts_on - DATE '1970-01-01')) AS day) AS cut
WHERE CAST(:courses AS text[]) IS NULL OR c.id = ANY(CAST(:courses AS text[]))
"""

IS_ASSESSED = (
    "NOT EXISTS (SELECT FROM staffstuddash.published_restrictions AS restricted"
    " WHERE restricted.student_id = e.student_id)"
)

PRESENT = f"""
SELECT e.id, e.student_id, e.course_id, c.module, c.day, c.has_activity,
    -e.registered_day AS registration_lead_days, e.credits, e.previous_attempts
FROM dropout.enrolments AS e JOIN course AS c ON c.id = e.course_id
WHERE coalesce(e.registered_day <= c.day, true) AND coalesce(e.unregistered_day > c.day, true)
    AND {IS_ASSESSED}
"""  # noqa: S608 - our own constants

# Exams are excluded: they take place after everything that is predicted.
SET_WORK = """
SELECT w.id, w.course_id, w.due_day, w.weight, coalesce(w.due_day <= c.day, false) AS is_due,
    row_number() OVER (
        PARTITION BY w.course_id, coalesce(w.due_day <= c.day, false)
        ORDER BY w.due_day DESC, length(w.id) DESC, w.id DESC) AS place,
    w.weight > 0 OR NOT bool_or(w.weight > 0) OVER (PARTITION BY w.course_id) AS is_graded
FROM dropout.coursework AS w JOIN course AS c ON c.id = w.course_id
WHERE NOT w.is_exam
"""

# Each piece of set work for each student. A score is a mark unless the piece has no weight while
# other work of the course has, or all scores so far are 0 or 1, which only say that it was done.
PIECES = f"""
SELECT p.id, p.day, p.registration_lead_days, w.id AS coursework_id, w.due_day, w.weight, w.is_due,
    w.place, s.id AS submission_id, s.submitted_day, s.is_banked,
    CASE WHEN w.is_graded AND NOT s.is_banked
        AND max(s.score) OVER (PARTITION BY w.id) > {MAX_COMPLETION_SCORE}
    THEN s.score END AS mark
FROM present AS p
JOIN set_work AS w ON w.course_id = p.course_id
LEFT JOIN dropout.submissions AS s
    ON s.enrolment_id = p.id AND s.coursework_id = w.id AND s.submitted_day <= p.day
"""  # noqa: S608 - our own constants

# Work that was due before the student registered was not missed.
_MISSED = "is_due AND submission_id IS NULL AND coalesce(due_day >= -registration_lead_days, true)"
_LATEST_MARKS = (
    "array_agg(mark ORDER BY submitted_day DESC, due_day DESC NULLS LAST,"
    " length(coursework_id) DESC, coursework_id DESC) FILTER (WHERE mark IS NOT NULL)"
)
_SCORE_MEAN = rounded(
    "coalesce(sum(mark * weight) / nullif(sum(weight) FILTER (WHERE mark IS NOT NULL), 0),"
    " avg(mark))"
)

WORK = f"""
SELECT id,
    count(*) FILTER (WHERE is_due) AS assessments_due,
    count(*) FILTER (WHERE NOT is_banked) AS assessments_handed_in,
    count(submission_id) FILTER (WHERE is_due)::float8
        / nullif(count(*) FILTER (WHERE is_due), 0) AS due_done_share,
    count(*) FILTER (WHERE NOT is_banked AND submitted_day > due_day) AS assessments_late,
    count(*) FILTER (WHERE {_MISSED}) AS assessments_missed,
    CASE WHEN bool_or(is_due) THEN
        count(*) FILTER (WHERE {_MISSED} AND place <= {LAST_DUE})
    END AS missed_last_two,
    count(*) FILTER (WHERE is_banked) AS assessments_banked,
    sum(weight) FILTER (WHERE submission_id IS NOT NULL) AS weight_done,
    nullif(sum(weight), 0) AS weight_set,
    sum(weight) FILTER (WHERE is_due AND submission_id IS NOT NULL) AS due_weight_done,
    nullif(sum(weight) FILTER (WHERE is_due), 0) AS due_weight_set,
    max(submitted_day) FILTER (WHERE NOT is_banked) AS last_submitted_day,
    avg(due_day - submitted_day) FILTER (WHERE NOT is_banked)::float8 AS mean_lead_days,
    {_SCORE_MEAN} AS score_mean,
    min(mark) AS lowest_score,
    sum(mark) AS score_sum,
    count(mark) AS scores,
    ({_LATEST_MARKS})[1] AS last_score
FROM pieces
GROUP BY id
"""  # noqa: S608 - our own constants

_AGE = "c.first_day + c.day - d.day"
_IN_WINDOWS = ",\n    ".join(
    f"sum(d.clicks) FILTER (WHERE {_AGE} < {days}) AS clicks_{days},"
    f" count(*) FILTER (WHERE {_AGE} < {days}) AS active_days_{days}"
    for days in ACTIVITY_WINDOWS
)

SEEN_COUNTS = f"""{_IN_WINDOWS},
    sum(d.clicks) AS clicks_total,
    min({_AGE}) AS days_since_activity,
    sum(d.answers) FILTER (WHERE {_AGE} < 28) AS answers_28,
    sum(d.graded) FILTER (WHERE {_AGE} < 28) AS graded_28,
    sum(d.correct) FILTER (WHERE {_AGE} < 28) AS correct_28,
    sum(d.answers) AS answers,
    sum(d.submissions) AS submissions,
    sum(greatest(0, d.graded + d.answers - d.submissions)) AS judged,
    sum(d.questions_solved) AS solved"""

SEEN = f"""
SELECT d.course, d.student_id, {SEEN_COUNTS}
FROM dropout.daily_activity AS d JOIN course AS c ON c.id = d.course
WHERE c.has_activity AND d.day <= c.first_day + c.day
GROUP BY d.course, d.student_id
"""  # noqa: S608 - our own constants

USES = """
SELECT u.course, u.student_id, count(*) AS resource_types
FROM dropout.resource_uses AS u JOIN course AS c ON c.id = u.course
WHERE c.has_activity AND u.first_day <= c.first_day + c.day
GROUP BY u.course, u.student_id
"""

# Unknown if resources were viewed in the course, and no event names their type.
TYPES_KNOWN = (
    "count(uses.resource_types) OVER (PARTITION BY p.course_id) > 0"
    " OR coalesce(sum(seen.clicks_total) OVER (PARTITION BY p.course_id), 0) = 0"
)


def active(clicks_known: str, types_known: str) -> str:
    """Return the SQL of the features of activity.

    clicks_known, types_known: conditions on the course under which clicks and types are known.
    """
    clicks = {
        f"clicks_per_week_{n}": f"coalesce(seen.clicks_{n}, 0) * 7 / {n}.0"
        for n in ACTIVITY_WINDOWS
    }
    clicks["clicks_total"] = "coalesce(seen.clicks_total, 0)"
    known = ",\n    ".join(
        f"CASE WHEN {clicks_known} THEN ({value})::float8 END AS {name}"
        for name, value in clicks.items()
    )
    days = ",\n    ".join(
        f"coalesce(seen.active_days_{n}, 0) AS active_days_{n}" for n in ACTIVITY_WINDOWS
    )
    return f"""
SELECT p.id, {known},
    {days},
    coalesce(seen.days_since_activity, p.day - c.activity_from + 1) AS days_since_activity,
    CASE WHEN {types_known} THEN coalesce(uses.resource_types, 0) END AS resource_types,
    seen.answers, seen.submissions, seen.judged, seen.answers_28, seen.graded_28,
    seen.correct_28, seen.solved
FROM present AS p
JOIN course AS c ON c.id = p.course_id
LEFT JOIN seen ON seen.course = p.course_id AND seen.student_id = p.student_id
LEFT JOIN uses ON uses.course = p.course_id AND uses.student_id = p.student_id
WHERE p.has_activity
"""  # noqa: S608 - our own constants
