"""Feature sets and predictions of students, and the feedback of staff."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.domain.enums import DropoutType, FeedbackReason, RiskLevel, Verdict
from dropout_service.models.base import Base
from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STAFF, STUDENT, UNTIL_ERASED, Ageing, personal, register

IS_LATEST, IS_OVERALL = text("is_latest"), text("is_overall")
HAS_COURSE = text("course IS NOT NULL")
PENDING_ROWS = (
    "Rows of the student that were accepted and not stored when this was computed; none: not known"
)
PENDING_ON = "The host in whose spool they waited"
RECOMPUTED_AT = "Of pending rows: when these were stored and this was computed again"
IS_INCOMPLETE = text("pending_rows > 0 AND recomputed_at IS NULL")


@register(
    STUDENT,
    columns=(
        "id student_id course as_of version features created_at pending_rows pending_on "
        "recomputed_at"
    ),
    purpose="to explain a prediction by the figures behind it",
    keep=UNTIL_ERASED,
    ageing=Ageing("features", "as_of"),
)
class FeatureSet(IdempotentRow, Base):
    """Features of a student at an instant; only the last column is ever updated."""

    __tablename__ = "feature_sets"
    __table_args__ = (
        Index(None, "student_id", "as_of", "id"),
        Index(
            "ix_feature_sets_incomplete",
            "id",
            postgresql_where=IS_INCOMPLETE,
            sqlite_where=IS_INCOMPLETE,
        ),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    course: Mapped[str | None] = mapped_column(
        Key, comment="Class whose events and marks count; none: all of the student's"
    )
    as_of: Mapped[datetime]
    version: Mapped[str] = mapped_column(String(50), comment="Of the way they are computed")
    features: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    pending_rows: Mapped[int | None] = mapped_column(comment=PENDING_ROWS)
    pending_on: Mapped[str | None] = mapped_column(String(255), comment=PENDING_ON)
    recomputed_at: Mapped[datetime | None] = mapped_column(comment=RECOMPUTED_AT)


@register(
    STUDENT,
    columns=(
        "id student_id course dropout_type risk_score risk_level confidence "
        "momentum_index base_log_odds course_rank course_ranked primary_indicators "
        "secondary_indicators recommendations missing version as_of created_at "
        "pending_rows pending_on is_class is_latest is_overall obsolete_from "
        "recomputed_at"
    ),
    purpose="to show staff a risk with its reasons",
    keep=UNTIL_ERASED,
    ageing=Ageing("predictions", "as_of"),
)
class DropoutPrediction(IdempotentRow, Base):
    """Prediction as of an instant, with its reasons; only the last four columns are updated."""

    __tablename__ = "dropout_predictions"
    __table_args__ = (
        CheckConstraint("risk_score BETWEEN 0 AND 1", name="risk_score_share"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence_share"),
        CheckConstraint("course_rank BETWEEN 1 AND course_ranked", name="course_rank_range"),
        CheckConstraint("momentum_index BETWEEN 0 AND 100", name="momentum_index_range"),
        Index(None, "student_id", "as_of", "id"),
        Index(
            "uq_dropout_predictions_latest",
            "student_id",
            text("coalesce(course, '')"),
            unique=True,
            postgresql_where=IS_LATEST,
            sqlite_where=IS_LATEST,
        ),
        Index(
            "uq_dropout_predictions_overall",
            "student_id",
            unique=True,
            postgresql_where=IS_OVERALL,
            sqlite_where=IS_OVERALL,
        ),
        Index(
            "ix_dropout_predictions_overall_by_risk",
            "risk_score",
            "id",
            postgresql_where=IS_OVERALL,
            sqlite_where=IS_OVERALL,
        ),
        Index(
            "ix_dropout_predictions_course_by_risk",
            "course",
            "risk_score",
            "id",
            postgresql_where=IS_LATEST,
            sqlite_where=IS_LATEST,
        ),
        # For the first places of a course, now and at an earlier instant.
        Index(
            "ix_dropout_predictions_course_places",
            "course",
            "course_rank",
            postgresql_where=IS_LATEST,
            sqlite_where=IS_LATEST,
        ),
        Index(
            "ix_dropout_predictions_course_runs",
            "course",
            "as_of",
            "course_rank",
            postgresql_where=HAS_COURSE,
            sqlite_where=HAS_COURSE,
        ),
        Index(
            "ix_dropout_predictions_incomplete",
            "id",
            postgresql_where=IS_INCOMPLETE,
            sqlite_where=IS_INCOMPLETE,
        ),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    course: Mapped[str | None] = mapped_column(
        Key, comment="Of the enrolment that may be dropped out of; none: the student altogether"
    )
    dropout_type: Mapped[DropoutType] = mapped_column(enum_column(DropoutType))
    risk_score: Mapped[float]
    risk_level: Mapped[RiskLevel] = mapped_column(enum_column(RiskLevel))
    confidence: Mapped[float | None] = mapped_column(
        comment="Share of the signs, by weight, that there were data for; none when not stated"
    )
    momentum_index: Mapped[float | None]
    base_log_odds: Mapped[float | None] = mapped_column(
        comment="With the contributions, of log-odds, the log-odds of the score; none: by rules"
    )
    course_rank: Mapped[int | None] = mapped_column(
        comment="1: the highest risk of those ranked in the course at that instant"
    )
    course_ranked: Mapped[int | None]
    primary_indicators: Mapped[list[Any]]
    secondary_indicators: Mapped[list[Any]]
    recommendations: Mapped[list[Any]]
    missing: Mapped[list[Any]] = mapped_column(comment="What could not be assessed, and why")
    version: Mapped[str] = mapped_column(String(50), comment="Of the rules or the model")
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]
    pending_rows: Mapped[int | None] = mapped_column(comment=PENDING_ROWS)
    pending_on: Mapped[str | None] = mapped_column(String(255), comment=PENDING_ON)
    is_class: Mapped[bool] = mapped_column(
        default=False,
        comment="Of a class of the roster, from its events and marks alone; never the overall one",
    )
    is_latest: Mapped[bool] = mapped_column(
        comment="The one with the latest as_of of the student's in this course"
    )
    is_overall: Mapped[bool] = mapped_column(
        comment="The one with the highest risk of the student's latest: their overall risk"
    )
    obsolete_from: Mapped[datetime | None] = mapped_column(
        comment="As of when it tells nothing any more: the student had left the course, or a model"
        " judged in the place of the rules"
    )
    recomputed_at: Mapped[datetime | None] = mapped_column(comment=RECOMPUTED_AT)


@register(
    STUDENT,
    columns="student_id since until prediction_id risk_score risk_level dropout_type",
    purpose="to count risks quickly; computed from predictions",
    keep=UNTIL_ERASED,
)
class OverallRisk(Base):
    """Period in which a prediction was the student's overall one; not kept in memory.

    It is computed in the transaction that changes the predictions.
    """

    __tablename__ = "overall_risks"
    __table_args__ = (Index(None, "until", "since", "risk_level", "dropout_type"),)

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("dropout.students.id"), primary_key=True
    )
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime] = mapped_column(
        comment="From then on another one, or none; in the year 9999 if nothing changes it"
    )
    prediction_id: Mapped[str] = mapped_column(Key)
    risk_score: Mapped[float]
    risk_level: Mapped[RiskLevel] = mapped_column(enum_column(RiskLevel))
    dropout_type: Mapped[DropoutType] = mapped_column(enum_column(DropoutType))


@register(
    STUDENT,
    columns="id prediction_id verdict reason signs created_at withdrawn_at",
    purpose="to know if predictions were right",
    keep=UNTIL_ERASED,
)
class PredictionFeedback(IdempotentRow, Base):
    """Verdict of a staff member on a prediction; only its withdrawal is updated."""

    __tablename__ = "prediction_feedback"
    __table_args__ = (Index(None, "prediction_id", "created_at", "id"),)

    prediction_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.dropout_predictions.id"))
    verdict: Mapped[Verdict] = mapped_column(enum_column(Verdict))
    note: Mapped[str | None] = mapped_column(String(10_000), info=personal(STUDENT, STAFF))
    given_by: Mapped[str | None] = mapped_column(
        String(200), comment="The name of the API key", info=personal(STAFF)
    )
    reason: Mapped[FeedbackReason | None] = mapped_column(
        enum_column(FeedbackReason), comment="Of the verdict; none: not stated"
    )
    signs: Mapped[list[Any] | None] = mapped_column(
        comment="Names of the prediction's indicators that it is about; none: of all"
    )
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(
        comment="From then on it does not count; none: it counts"
    )
    # Of the prediction; set on the returned object, not stored.
    student_id = ""
