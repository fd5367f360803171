"""Models that were trained on enrolments."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enrolments.week_quality import WeekLevel
from dropout_service.models.base import Base
from shared_db.columns import IdempotentRow, Json, Key, enum_column
from shared_db.personal_data import UNTIL_REMOVED, register

IS_ACTIVE = text("is_active")


@register(
    columns=("id target variants training metrics evaluation created_at activated_at is_active"),
    purpose="to predict; figures of many students, and no row of one",
    keep=UNTIL_REMOVED,
)
class LearnedModel(IdempotentRow, Base):
    """Model as text, with everything that determined it; its id is a digest of the content."""

    unread_columns = ("digest", "variants", "evaluation")

    __tablename__ = "models"
    __table_args__ = (
        Index(
            "uq_models_active",
            "is_active",
            unique=True,
            postgresql_where=IS_ACTIVE,
            sqlite_where=IS_ACTIVE,
        ),
    )

    target: Mapped[Target] = mapped_column(enum_column(Target))
    variants: Mapped[dict[str, Any]] = mapped_column(
        comment="Of each variant: features, regressions, calibration, weights, parameters"
    )
    training: Mapped[dict[str, Any]] = mapped_column(
        comment="Presentations, courses, days and numbers of enrolments and rows"
    )
    metrics: Mapped[dict[str, Any]] = mapped_column(
        comment="By variant and day, each course judged by a model that did not see it"
    )
    evaluation: Mapped[dict[str, Any] | None] = mapped_column(
        Json, comment="On left-out courses, and against the model before; none: of an old release"
    )
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None] = mapped_column(
        comment="When it last became the active one"
    )
    is_active: Mapped[bool] = mapped_column(comment="The one that predicts")


@register(
    columns=(
        "version week predictions expected_left left known mean_risk observed_share observed_low "
        "observed_high brier calibration_error drift_index level reasons computed_at"
    ),
    purpose="to watch a model; figures of many students, and no row of one",
    keep=UNTIL_REMOVED,
)
class ModelWeek(Base):
    """Predictions of a model in one week, against the outcomes that are known by now."""

    __tablename__ = "model_weeks"

    version: Mapped[str] = mapped_column(Key, ForeignKey("dropout.models.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True, comment="Its Monday (UTC), by as_of")
    predictions: Mapped[int] = mapped_column(comment="Enrolments, each with its last of the week")
    expected_left: Mapped[float] = mapped_column(comment="Sum of the risks of all of them")
    left: Mapped[int] = mapped_column(comment="Of all of them, those known to have left by now")
    known: Mapped[int] = mapped_column(comment="Those in finished courses, with an outcome")
    mean_risk: Mapped[float | None] = mapped_column(comment="Of the known; none: too few")
    observed_share: Mapped[float | None]
    observed_low: Mapped[float | None] = mapped_column(comment="Wilson's 95 % interval")
    observed_high: Mapped[float | None]
    brier: Mapped[float | None] = mapped_column(comment="Mean squared error of the known")
    calibration_error: Mapped[float | None] = mapped_column(comment="None: fewer than 200 known")
    drift_index: Mapped[float | None] = mapped_column(comment="Of the risks, against training")
    level: Mapped[WeekLevel] = mapped_column(enum_column(WeekLevel))
    reasons: Mapped[list[Any]] = mapped_column(comment="Of the level, and of missing figures")
    computed_at: Mapped[datetime]
