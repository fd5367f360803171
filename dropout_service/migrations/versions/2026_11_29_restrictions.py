"""Publish no risk of restricted students."""

from alembic import op

revision = "20261129_restrictions"
down_revision = "20261129_audit"

PUBLISHED_RISK = (
    "CREATE OR REPLACE VIEW dropout.published_risk AS"
    " SELECT student_id, risk_score, risk_level, dropout_type, as_of, course"
    " FROM dropout.dropout_predictions AS made WHERE is_overall"
)
IS_ASSESSED = (
    "NOT EXISTS (SELECT FROM staffstuddash.published_restrictions AS restricted"
    " WHERE restricted.student_id = made.student_id)"
)


def upgrade() -> None:
    op.execute(f"{PUBLISHED_RISK} AND {IS_ASSESSED}")


def downgrade() -> None:
    op.execute(PUBLISHED_RISK)
