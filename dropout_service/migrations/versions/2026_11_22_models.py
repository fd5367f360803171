"""Add learned models, and to predictions the base log-odds and the rank in the course."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261122_models"
down_revision = "20261122_courses"

SCHEMA = "dropout"
KEY = sa.String(200, collation="C")
TARGET = sa.Enum(
    "withdrawn",
    "withdrawn_or_fail",
    name="target_known",
    native_enum=False,
    create_constraint=True,
    length=40,
)


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("id", KEY, nullable=False),
        sa.Column("target", TARGET, nullable=False),
        sa.Column(
            "trees_without_activity", sa.Text(), nullable=False, comment="As LightGBM writes them"
        ),
        sa.Column(
            "trees_with_activity",
            sa.Text(),
            nullable=True,
            comment="None: no course of the training set has activity",
        ),
        sa.Column(
            "variants",
            JSONB(),
            nullable=False,
            comment="Of each variant: features, calibration, weights, parameters",
        ),
        sa.Column(
            "training",
            JSONB(),
            nullable=False,
            comment="Presentations, courses, days and numbers of enrolments and rows",
        ),
        sa.Column(
            "metrics",
            JSONB(),
            nullable=False,
            comment="By variant and day, each course judged by a model that did not see it",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False, comment="The one that predicts"),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_models_active",
        "models",
        ["is_active"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("is_active"),
    )
    _add_columns_of_predictions()


def _add_columns_of_predictions() -> None:
    for name, type_, comment in (
        (
            "base_log_odds",
            sa.Double(),
            "With the contributions, of log-odds, the log-odds of the score; none: by rules",
        ),
        (
            "course_rank",
            sa.Integer(),
            "1: the highest risk of those ranked in the course at that instant",
        ),
        ("course_ranked", sa.Integer(), None),
    ):
        column = sa.Column(name, type_, nullable=True, comment=comment)
        op.add_column("dropout_predictions", column, schema=SCHEMA)
    op.create_check_constraint(
        op.f("ck_dropout_predictions_course_rank_range"),
        "dropout_predictions",
        "course_rank BETWEEN 1 AND course_ranked",
        schema=SCHEMA,
    )


def downgrade() -> None:
    for name in ("base_log_odds", "course_rank", "course_ranked"):
        op.drop_column("dropout_predictions", name, schema=SCHEMA)
    op.drop_table("models", schema=SCHEMA)
