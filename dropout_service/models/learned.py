"""Models that were trained on enrolments."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.models.base import Base
from shared_db.columns import IdempotentRow, enum_column
from shared_db.personal_data import UNTIL_REMOVED, register

IS_ACTIVE = text("is_active")


@register(purpose="to predict; figures of many students, and no row of one", keep=UNTIL_REMOVED)
class LearnedModel(IdempotentRow, Base):
    """Model as text, with everything that determined it; its id is a digest of the content."""

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
    created_at: Mapped[datetime]
    is_active: Mapped[bool] = mapped_column(comment="The one that predicts")
