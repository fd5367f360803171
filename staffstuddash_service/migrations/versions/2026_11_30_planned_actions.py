"""Add the state of actions: planned with a day and a person, done or withdrawn."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Key, UtcDateTime
from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_planned_actions"
down_revision = "20261130_sign_ins"

SCHEMA, TABLE = "staffstuddash", "action_logs"
SHOWN = "shown.student_id IN (SELECT student_id FROM staffstuddash.published_memberships)"
STATE = "ck_action_logs_actionstate_known"
INDEXES = {
    "ix_action_logs_planned": (["assigned_to", "due_on", "id"], "state = 'planned'"),
    "ix_action_logs_done_at": (["done_at"], "done_at IS NOT NULL"),
}


def upgrade() -> None:
    for column in _columns():
        op.add_column(TABLE, column, schema=SCHEMA)
    known = "state IN ('planned', 'done', 'withdrawn')"
    op.create_check_constraint(op.f(STATE), TABLE, known, schema=SCHEMA)
    for name, (columns, condition) in INDEXES.items():
        op.create_index(name, TABLE, columns, schema=SCHEMA, postgresql_where=sa.text(condition))
    show_table(SCHEMA, TABLE, SHOWN)


def downgrade() -> None:
    hide_table(SCHEMA, TABLE)
    for name in INDEXES:
        op.drop_index(name, TABLE, schema=SCHEMA)
    op.drop_constraint(op.f(STATE), TABLE, schema=SCHEMA)
    for column in reversed(_columns()):
        op.drop_column(TABLE, column.name, schema=SCHEMA)
    show_table(SCHEMA, TABLE, SHOWN)


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column(
            "state",
            sa.String(40),
            nullable=False,
            server_default="done",
            comment="Only done ones are interventions",
        ),
        sa.Column("due_on", sa.Date(), comment="The day by which a planned one is to be done"),
        sa.Column("assigned_to", Key, comment="Of the roster: the person to do it"),
        sa.Column("prediction_id", Key, comment="The prediction that led to it"),
        sa.Column(
            "done_at",
            UtcDateTime,
            comment="When a planned one was done; null if it was stored as done",
        ),
        sa.Column("done_by", Key, comment="The caller that marked it as done"),
    )
