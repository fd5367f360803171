"""SQL of the features of students in classes, in the form of imported courses; PostgreSQL only.

Only rows up to the end of the cut-off day are read, of days (UTC) on which the student is enrolled
in the class. A mark has the day of its submission. What is not known of a class is null: days on
which work is due, weights, credits and earlier attempts.
"""

from dropout_service.database.features.enrolment_query import (
    IS_ASSESSED,
    SEEN_COUNTS,
    active,
    rounded,
)
from dropout_service.learning.rows import CLASS_ENROLMENT

_EPOCH = "DATE '1970-01-01'"

# The activity stream of a class begins with the first event that names it.
COURSE = f"""
SELECT c.class_id AS id, coalesce(c.course_id, c.class_id) AS module, c.subjects,
    stream.first_day - (c.starts_on - {_EPOCH}) AS activity_from,
    c.starts_on - {_EPOCH} AS first_day, CAST(:day AS integer) AS day,
    coalesce(stream.first_day <= (c.starts_on - {_EPOCH}) + CAST(:day AS integer), false)
        AS has_activity
FROM staffstuddash.published_classes AS c
CROSS JOIN LATERAL (
    SELECT min(d.day) AS first_day FROM dropout.daily_activity AS d
    WHERE d.course = c.class_id AND d.day >= c.starts_on - {_EPOCH}) AS stream
WHERE c.class_id = ANY(CAST(:courses AS text[]))
"""  # noqa: S608 - our own constants

# Enrolments that have begun by the cut-off day, in days since 1970-01-01; `until_day` is over.
HELD = f"""
SELECT e.student_id, e.class_id, e.valid_from IS NULL AS is_open_start,
    coalesce(greatest(e.valid_from - {_EPOCH}, c.first_day), c.first_day) AS from_day,
    e.valid_from - {_EPOCH} - c.first_day AS registered_day,
    coalesce(least(e.valid_to - {_EPOCH}, c.first_day + c.day + 1), c.first_day + c.day + 1)
        AS until_day
FROM staffstuddash.published_enrolments AS e JOIN course AS c ON c.id = e.class_id
WHERE coalesce(e.valid_from - {_EPOCH} <= c.first_day + c.day, true) AND {IS_ASSESSED}
"""  # noqa: S608 - our own constants

PRESENT = f"""
SELECT '{CLASS_ENROLMENT}' || length(c.id) || '-' || c.id || '-' || h.student_id AS id,
    h.student_id, c.id AS course_id, c.module, c.day, c.has_activity,
    CASE WHEN NOT bool_or(h.is_open_start) THEN -min(h.registered_day) END
        AS registration_lead_days,
    NULL::float8 AS credits, NULL::float8 AS previous_attempts
FROM held AS h JOIN course AS c ON c.id = h.class_id
GROUP BY c.id, h.student_id, c.module, c.day, c.has_activity, c.first_day
HAVING bool_or(h.until_day > c.first_day + c.day)
"""  # noqa: S608 - our own constants

_IS_HELD = (
    "EXISTS (SELECT FROM held AS h WHERE h.class_id = {course} AND h.student_id = {student}"
    " AND {day} >= h.from_day AND {day} < h.until_day)"
)
_MARK_DAY = f"((k.submitted_at AT TIME ZONE 'UTC')::date - {_EPOCH})"
_MARK_IS_HELD = _IS_HELD.format(course="p.course_id", student="p.student_id", day=_MARK_DAY)

PIECES = f"""
SELECT p.id, k.id AS mark_id, k.submitted_at, {_MARK_DAY} - c.first_day AS submitted_day,
    100.0 * k.score / k.max_score AS mark
FROM present AS p
JOIN course AS c ON c.id = p.course_id
JOIN dropout.known_assessments AS k ON k.student_id = p.student_id
WHERE c.subjects @> to_jsonb(k.subject::text) AND {_MARK_IS_HELD}
"""  # noqa: S608 - our own constants

_UNKNOWN = ", ".join(
    f"NULL::float8 AS {name}"
    for name in (
        "assessments_due",
        "due_done_share",
        "assessments_late",
        "assessments_missed",
        "missed_last_two",
        "assessments_banked",
        "weight_done",
        "weight_set",
        "due_weight_done",
        "due_weight_set",
        "mean_lead_days",
    )
)
_LATEST = "(array_agg(w.mark ORDER BY w.submitted_at DESC, w.mark_id DESC))[1]"

# Before the first mark in a class it is not known whether its marks are delivered at all.
WORK = f"""
SELECT p.id, {_UNKNOWN},
    CASE WHEN sum(count(w.mark_id)) OVER (PARTITION BY p.course_id) > 0 THEN count(w.mark_id) END
        AS assessments_handed_in,
    max(w.submitted_day) AS last_submitted_day,
    {rounded("avg(w.mark)")} AS score_mean,
    min(w.mark) AS lowest_score,
    sum(w.mark) AS score_sum,
    count(w.mark_id) AS scores,
    CASE WHEN count(w.mark_id) > 0 THEN {_LATEST} END AS last_score
FROM present AS p LEFT JOIN pieces AS w ON w.id = p.id
GROUP BY p.id, p.course_id
"""  # noqa: S608 - our own constants

_DAY_IS_HELD = _IS_HELD.format(course="d.course", student="d.student_id", day="d.day")

SEEN = f"""
SELECT d.course, d.student_id, {SEEN_COUNTS}
FROM dropout.daily_activity AS d JOIN course AS c ON c.id = d.course
WHERE c.has_activity AND d.day <= c.first_day + c.day AND {_DAY_IS_HELD}
GROUP BY d.course, d.student_id
"""  # noqa: S608 - our own constants

_USE_IS_HELD = _IS_HELD.format(course="u.course", student="u.student_id", day="u.first_day")

USES = f"""
SELECT u.course, u.student_id, count(*) AS resource_types
FROM dropout.resource_uses AS u JOIN course AS c ON c.id = u.course
WHERE c.has_activity AND u.first_day <= c.first_day + c.day AND {_USE_IS_HELD}
GROUP BY u.course, u.student_id
"""  # noqa: S608 - our own constants

# Clicks are those of views of resources. They are unknown in a class without any such event.
ACTIVE = active(
    clicks_known="sum(seen.clicks_total) OVER (PARTITION BY p.course_id) > 0",
    types_known="count(uses.resource_types) OVER (PARTITION BY p.course_id) > 0",
)
