"""Count events by month instead of by day: a thirtieth of the rows to add up."""

from alembic import op

revision = "20261130_counts_by_month"
down_revision = "20261129_words"

# Locked first: writers wait for the whole statement, and none meets a half of it.
LOCK = "LOCK TABLE monitoring.log_counts IN SHARE ROW EXCLUSIVE MODE"
ADD_UP = """
WITH daily AS (
    DELETE FROM monitoring.log_counts WHERE month <> date_trunc('month', month)::date RETURNING *
)
INSERT INTO monitoring.log_counts AS kept (source, month, status, slot, count)
SELECT source, date_trunc('month', month)::date, status, slot, sum(count)
FROM daily GROUP BY 1, 2, 3, 4
ON CONFLICT (source, month, status, slot) DO UPDATE SET count = kept.count + excluded.count
"""


def upgrade() -> None:
    op.execute(LOCK)
    _rename("day", "month", "Its first day, in UTC")
    op.execute(ADD_UP)


def downgrade() -> None:
    """Keep the sums at the first day of each month."""
    _rename("month", "day", "In UTC")


def _rename(old: str, new: str, comment: str) -> None:
    op.alter_column("log_counts", old, new_column_name=new, comment=comment, schema="monitoring")
