"""Periods of the overall predictions, kept with the predictions on PostgreSQL.

The in-memory store and persons with a limit of rows compute them from the predictions.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, Subquery, func, select, text
from sqlalchemy.orm import Session

from dropout_service.domain.enums import DropoutType, RiskLevel
from dropout_service.models import OverallRisk, published_restrictions
from shared_db.row_limits import row_limit

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

# A course is over from the last second of the day after its last one, as in
# `CourseDates.is_over_at`.
_OVER = "((starts_on + length_days + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second')"
# The overall prediction may change when a prediction is made or superseded, and when a course ends.
_KEEP = text(
    f"""
DELETE FROM dropout.overall_risks WHERE student_id = ANY(CAST(:ids AS varchar[]))
    AND since >= :since;
UPDATE dropout.overall_risks SET until = :since WHERE student_id = ANY(CAST(:ids AS varchar[]))
    AND until > :since;
INSERT INTO dropout.overall_risks
    (student_id, since, until, prediction_id, risk_score, risk_level, dropout_type)
WITH moments AS (
    SELECT student_id, at FROM (
        SELECT student_id, unnest(ARRAY[as_of, obsolete_from, {_OVER}]) AS at
        FROM dropout.dropout_predictions AS made
        LEFT JOIN dropout.courses AS course ON course.id = made.course
        WHERE student_id = ANY(CAST(:ids AS varchar[])) AND recomputed_at IS NULL AND NOT is_class
    ) AS found WHERE at > :since
    UNION SELECT id, CAST(:since AS timestamptz) FROM unnest(CAST(:ids AS varchar[])) AS id
), periods AS (
    SELECT student_id, at, lead(at, 1, '9999-12-31Z') OVER (PARTITION BY student_id ORDER BY at)
        AS until FROM moments
)
SELECT student_id, at, until, overall.* FROM periods CROSS JOIN LATERAL (
    SELECT latest.id, risk_score, risk_level, dropout_type FROM (
        SELECT DISTINCT ON (coalesce(course, '')) id, course, as_of, obsolete_from, risk_score,
            risk_level, dropout_type, max(as_of) OVER () AS newest
        FROM dropout.dropout_predictions AS made
        WHERE made.student_id = periods.student_id AND as_of <= at
            AND recomputed_at IS NULL AND NOT is_class
        ORDER BY coalesce(course, ''), as_of DESC, made.id DESC
    ) AS latest LEFT JOIN dropout.courses AS course ON course.id = latest.course
    WHERE (obsolete_from IS NULL OR obsolete_from > at)
        AND (course.id IS NULL OR {_OVER} > at OR as_of = newest)
    ORDER BY risk_score DESC, as_of DESC, latest.id DESC LIMIT 1
) AS overall
"""  # noqa: S608 - our own names
)


def keep_overall_risks(
    session: Session, student_ids: Collection[str], since: datetime = BEGINNING
) -> None:
    """Compute the periods of students again from an instant on; the students must be locked.

    Nothing before that instant may have changed.
    """
    if student_ids and session.get_bind().dialect.name == "postgresql":
        session.execute(_KEEP, {"ids": sorted(student_ids), "since": since})


def are_kept(session: Session) -> bool:
    """Return True if the periods may be read: on PostgreSQL, by callers without a limit of rows."""
    return row_limit() is None and session.get_bind().dialect.name == "postgresql"


def kept_at(at: datetime) -> Subquery:
    """Return the overall predictions of assessed students at an instant."""
    kept = OverallRisk
    return (
        select(
            kept.student_id,
            kept.prediction_id.label("id"),
            kept.risk_score,
            kept.risk_level,
            kept.dropout_type,
        )
        .where(_held_at(at), kept.student_id.not_in(_restricted()))
        .subquery()
    )


def kept_counts(
    session: Session, instants: Sequence[datetime]
) -> list[tuple[RiskLevel, DropoutType, list[int]]]:
    """Return the numbers of assessed students by level and type at each instant.

    All are counted in one pass over an index that has no ids; the few restricted are subtracted.
    """
    kept = OverallRisk
    counts = [func.count().filter(_held_at(at)) for at in instants]
    query = (
        select(kept.risk_level, kept.dropout_type, *counts)
        .where(kept.until > min(instants), kept.since <= max(instants))
        .group_by(kept.risk_level, kept.dropout_type)
    )
    restricted = query.where(kept.student_id.in_(_restricted()))
    less = {(row[0], row[1]): row[2:] for row in session.execute(restricted)}
    none = (0,) * len(instants)
    return [
        (level, type_, [n - m for n, m in zip(found, less.get((level, type_), none), strict=True)])
        for level, type_, *found in session.execute(query)
    ]


def _held_at(at: datetime) -> ColumnElement[bool]:
    return (OverallRisk.since <= at) & (OverallRisk.until > at)


def _restricted() -> Select[str]:
    return select(published_restrictions.c.student_id)
