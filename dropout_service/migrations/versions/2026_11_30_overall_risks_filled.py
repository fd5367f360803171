"""Compute the periods of the overall predictions that are stored."""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "20261130_risks_filled"
down_revision = "20261130_overall_risks"

BATCH = 1000
OVER = "((starts_on + length_days + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second')"
INSERT = f"""
INSERT INTO dropout.overall_risks
    (student_id, since, until, prediction_id, risk_score, risk_level, dropout_type)
WITH moments AS (
    SELECT DISTINCT student_id, at FROM (
        SELECT student_id, unnest(ARRAY[as_of, obsolete_from, {OVER}]) AS at
        FROM dropout.dropout_predictions AS made
        LEFT JOIN dropout.courses AS course ON course.id = made.course
        WHERE {{which}} AND recomputed_at IS NULL AND NOT is_class
    ) AS found WHERE at IS NOT NULL
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
        AND (course.id IS NULL OR {OVER} > at OR as_of = newest)
    ORDER BY risk_score DESC, as_of DESC, latest.id DESC LIMIT 1
) AS overall
ON CONFLICT (student_id, since) DO NOTHING
"""  # noqa: S608 - our own names
LAST = sa.text(
    "SELECT max(id) FROM (SELECT id FROM dropout.students WHERE id > :after"
    " ORDER BY id LIMIT :count) AS page"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        if op.get_context().as_sql:
            op.execute(INSERT.format(which="true"))
        else:
            _fill(op.get_bind())


def downgrade() -> None:
    """Leave the rows: the earlier revision drops their table."""


def _fill(connection: sa.Connection) -> None:
    """Compute a batch of students in each transaction; an interrupted run can be repeated."""
    batch = sa.text(INSERT.format(which="student_id > :after AND student_id <= :last"))
    for after, last in _batches(connection):
        connection.execute(batch, {"after": after, "last": last})


def _batches(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    after = ""
    while (last := connection.scalar(LAST, {"after": after, "count": BATCH})) is not None:
        yield after, last
        after = last
