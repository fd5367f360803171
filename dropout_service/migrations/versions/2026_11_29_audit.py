"""Add the reads of students' data, and the students that they showed."""

import sqlalchemy as sa
from alembic import op

from shared_db.columns import Json, Key, UtcDateTime
from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261129_audit"
down_revision = "20261129_statistics"

SCHEMA = "dropout"
THEIRS = "IN (SELECT student_id FROM staffstuddash.published_memberships)"
SHOWN = (
    f"EXISTS (SELECT FROM {SCHEMA}.read_subjects AS subject"
    " WHERE subject.chain = shown.chain AND subject.number = shown.number"
    f" AND subject.student_id {THEIRS})"
)


def upgrade() -> None:
    op.create_table(
        "reads",
        sa.Column("chain", Key, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("read_at", UtcDateTime, nullable=False),
        sa.Column(
            "caller",
            sa.String(200),
            nullable=False,
            comment="Key or person; of a student the token or pseudonym",
        ),
        sa.Column("kind", sa.String(10), nullable=False, comment="system, person or student"),
        sa.Column("roles", Json, nullable=False),
        sa.Column("through", sa.String(200)),
        sa.Column("route", sa.String(200), nullable=False),
        sa.Column("students", sa.Integer(), nullable=False),
        sa.Column("tokens", Json, nullable=False, comment="Of read_subjects, 200 at most"),
        sa.Column("purpose", sa.String(200)),
        sa.Column(
            "previous",
            sa.String(64),
            nullable=False,
            comment="Digest of the row before in the chain",
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name="pk_reads"),
        schema=SCHEMA,
    )
    op.create_table(
        "read_subjects",
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("read_at", UtcDateTime, nullable=False),
        sa.Column("chain", Key, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "read_as",
            Key,
            nullable=False,
            comment="The id in the read; `student_id` follows merges",
        ),
        sa.Column("student_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_read_subjects"),
        sa.ForeignKeyConstraint(
            ["student_id"], [f"{SCHEMA}.students.id"], name="fk_read_subjects_student_id"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_read_subjects_student_id_read_at_token",
        "read_subjects",
        ["student_id", "read_at", "token"],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_read_subjects_chain_number", "read_subjects", ["chain", "number"], schema=SCHEMA
    )
    show_table(SCHEMA, "reads", SHOWN)
    show_table(SCHEMA, "read_subjects", f"shown.student_id {THEIRS}")


def downgrade() -> None:
    hide_table(SCHEMA, "read_subjects")
    hide_table(SCHEMA, "reads")
    op.drop_table("read_subjects", schema=SCHEMA)
    op.drop_table("reads", schema=SCHEMA)
