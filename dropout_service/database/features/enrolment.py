"""Features of enrolments at the end of a day of their course, as columns of numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from dropout_service.database.features.enrolment_query import (
    COURSE,
    PIECES,
    PRESENT,
    SEEN,
    SET_WORK,
    TYPES_KNOWN,
    USES,
    WORK,
    active,
    rounded,
)
from dropout_service.domain.enrolments.enrolment_features import (
    FEATURE_NAMES,
    KEY_COLUMNS,
    MIDRANKED,
    RANKED_ACTIVITY,
    midrank_name,
    percentile_name,
)
from dropout_service.domain.rules.activity import epoch_day
from dropout_service.domain.rules.features import MIN_JUDGED_SHARE

Columns = dict[str, NDArray[Any]]

_RANKED_COURSEWORK = {
    "registration_lead_percentile": "registration_lead_days",
    "weight_done_percentile": "weight_done_share",
    "mean_lead_percentile": "mean_lead_days",
    "score_percentile": "score_mean",
}
_RANKED_ACTIVITY = {percentile_name(one.name): one.name for one in RANKED_ACTIVITY}
_MIDRANKED = {midrank_name(one.name): one.name for one in MIDRANKED}
_HAS_QUESTIONS = "sum(answers) OVER (PARTITION BY course_id) > 0"
# Otherwise unknown answers would count as wrong ones: of the student, and of the whole course.
_HAS_JUDGED = (
    "sum(judged) OVER (PARTITION BY course_id) > 0"
    f" AND coalesce(judged >= {MIN_JUDGED_SHARE} * submissions, true)"
)
_QUESTIONS = {
    "answers_per_week_28": f"CASE WHEN {_HAS_QUESTIONS} THEN coalesce(answers_28, 0) / 4.0 END",
    "success_share_28": "correct_28::float8 / nullif(graded_28, 0)",
    "questions_solved": f"CASE WHEN {_HAS_JUDGED} THEN coalesce(solved, 0) END",
}
_SHARES = {
    "weight_done_share": rounded(
        "CASE WHEN weight_set IS NOT NULL THEN coalesce(weight_done, 0) / weight_set END"
    ),
    "due_weight_done_share": rounded(
        "CASE WHEN due_weight_set IS NOT NULL"
        " THEN coalesce(due_weight_done, 0) / due_weight_set END"
    ),
    "days_since_submission": "day - last_submitted_day",
    "score_trend": rounded(
        "CASE WHEN scores > 1 THEN last_score - (score_sum - last_score) / (scores - 1) END"
    ),
}


def enrolment_features(
    session: Session, as_of_day: int, *, courses: Sequence[str] | None = None
) -> Columns:
    """Return the features of all enrolments still registered at the end of a day of their course.

    The columns are `KEY_COLUMNS` and `FEATURE_NAMES` of the domain, with one row per enrolment,
    ordered by its id. An unknown value is NaN. Percentiles are taken among the rows of the same
    course.
    """
    return _features(session, {"day": as_of_day, "today": None}, courses)


def enrolment_features_at(
    session: Session, as_of: datetime, *, courses: Sequence[str] | None = None
) -> Columns:
    """Return the features of all enrolments still registered at the instant.

    In each course they are as of the end of the last day (UTC) that was over at the instant. A day
    is over from its last second on.
    """
    return _features(session, {"day": None, "today": last_whole_day(as_of)}, courses)


def last_whole_day(as_of: datetime) -> int:
    """Return the last day (UTC, since 1970-01-01) that is over at the instant."""
    return epoch_day(as_of + timedelta(seconds=1)) - 1


def _features(
    session: Session, cut: Mapping[str, int | None], courses: Sequence[str] | None
) -> Columns:
    chosen = None if courses is None else list(courses)
    return feature_columns(session.execute(_STATEMENT, {**cut, "courses": chosen}).all())


def feature_columns(rows: Sequence[Row[Any]]) -> Columns:
    """Return the rows of a statement of features as columns."""
    keys = list(zip(*(row[: len(KEY_COLUMNS)] for row in rows), strict=True)) or [
        () for _ in KEY_COLUMNS
    ]
    values = np.array([row[len(KEY_COLUMNS) :] for row in rows], dtype=np.float64)
    values = values.reshape(len(rows), len(FEATURE_NAMES))
    kinds = (np.str_, np.str_, np.str_, np.str_, np.int64, np.bool_)
    columns: Columns = {
        name: np.array(column, dtype=kind)
        for name, column, kind in zip(KEY_COLUMNS, keys, kinds, strict=True)
    }
    columns |= {name: values[:, index] for index, name in enumerate(FEATURE_NAMES)}
    return columns


def _percentiles(ranked: Mapping[str, str]) -> str:
    """Return the SQL of percentiles: the share of the course's known values that are lower."""
    return ", ".join(
        f"CASE WHEN {of} IS NOT NULL THEN"
        f" (rank() OVER (PARTITION BY course_id ORDER BY {of}) - 1)::float8"
        f" / count({of}) OVER (PARTITION BY course_id) END AS {name}"
        for name, of in ranked.items()
    )


def _midranks(ranked: Mapping[str, str]) -> str:
    """Return the SQL of midranks: percentiles in which equal values count by half.

    An ordered window ends with the last row that equals the current one.
    """
    return ", ".join(
        f"CASE WHEN {of} IS NOT NULL THEN (rank() OVER (PARTITION BY course_id ORDER BY {of}) - 1"
        f" + count({of}) OVER (PARTITION BY course_id ORDER BY {of}))::float8"
        f" / 2 / count({of}) OVER (PARTITION BY course_id) END AS {name}"
        for name, of in ranked.items()
    )


def _aliased(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())


def feature_statement(parts: Mapping[str, str]) -> TextClause:
    """Return the statement of the features of the rows of `present`.

    parts: SQL of the common table expressions by name; `present`, `work` and
    `active` are among them. PostgreSQL would compute those with several uses again for each.
    """
    features = ", ".join(
        f"coalesce({name}::float8, 'NaN'::float8) AS {name}" for name in FEATURE_NAMES
    )
    common = ",\n".join(
        f"{name} AS {'MATERIALIZED ' if name in _MATERIALIZED else ''}({sql})"
        for name, sql in parts.items()
    )
    return text(f"""
    WITH {common},
    combined AS (
        SELECT *, {_aliased(_SHARES | _QUESTIONS)}
        FROM present LEFT JOIN work USING (id) LEFT JOIN active USING (id)),
    ranked AS (
        SELECT combined.*, {_percentiles(_RANKED_COURSEWORK | _RANKED_ACTIVITY)},
            {_midranks(_MIDRANKED)}
        FROM combined)
    SELECT id, student_id, course_id, module, day, has_activity, {features} FROM ranked ORDER BY id
    """)  # noqa: S608 - our own constants


_MATERIALIZED = {"course", "held", "present", "set_work"}
_STATEMENT = feature_statement(
    {
        "course": COURSE,
        "present": PRESENT,
        "set_work": SET_WORK,
        "pieces": PIECES,
        "work": WORK,
        "seen": SEEN,
        "uses": USES,
        "active": active("true", TYPES_KNOWN),
    }
)
