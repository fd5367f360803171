"""Add the weeks of the models' predictions against known outcomes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared_db.provisioning.person_views import hide_table, show_table

revision = "20261130_model_weeks"
down_revision = "20261130_model_evaluations"

SCHEMA = "dropout"
LEVEL = sa.Enum(
    "ok",
    "watch",
    "warning",
    "unknown",
    name="weeklevel_known",
    native_enum=False,
    create_constraint=True,
    length=40,
)
FIGURES = {
    "mean_risk": "Of the known; none: too few",
    "observed_share": None,
    "observed_low": "Wilson's 95 % interval",
    "observed_high": None,
    "brier": "Mean squared error of the known",
    "calibration_error": "None: fewer than 200 known",
    "drift_index": "Of the risks, against training",
}


def upgrade() -> None:
    op.create_table(
        "model_weeks",
        sa.Column("version", sa.String(200, collation="C"), nullable=False),
        sa.Column("week", sa.Date(), nullable=False, comment="Its Monday (UTC), by as_of"),
        sa.Column(
            "predictions",
            sa.Integer(),
            nullable=False,
            comment="Enrolments, each with its last of the week",
        ),
        sa.Column(
            "expected_left", sa.Double(), nullable=False, comment="Sum of the risks of all of them"
        ),
        sa.Column(
            "left",
            sa.Integer(),
            nullable=False,
            comment="Of all of them, those known to have left by now",
        ),
        sa.Column(
            "known",
            sa.Integer(),
            nullable=False,
            comment="Those in finished courses, with an outcome",
        ),
        *(
            sa.Column(name, sa.Double(), nullable=True, comment=comment)
            for name, comment in FIGURES.items()
        ),
        sa.Column("level", LEVEL, nullable=False),
        sa.Column(
            "reasons", JSONB(), nullable=False, comment="Of the level, and of missing figures"
        ),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", "week", name="pk_model_weeks"),
        sa.ForeignKeyConstraint(
            ["version"], [f"{SCHEMA}.models.id"], name="fk_model_weeks_version"
        ),
        schema=SCHEMA,
    )
    show_table(SCHEMA, "model_weeks", None)


def downgrade() -> None:
    hide_table(SCHEMA, "model_weeks")
    op.drop_table("model_weeks", schema=SCHEMA)
