"""Predictions."""

from datetime import datetime
from typing import Self

from pydantic import Field, computed_field

from dropout_service.domain.advice import advice_code
from dropout_service.domain.enums import DropoutType, RiskLevel
from dropout_service.domain.rules.momentum import MomentumState, momentum_state
from dropout_service.schemas.pending_rows import PendingRows
from shared_web.requests.fields import Body, Id, Out, PastInstant


class NewPrediction(Body):
    """Prediction to make from the rows up to `as_of`, by default now.

    `course`: of the enrolment, or a class of the roster, whose events and marks alone count then;
    by default the enrolment with the highest risk.
    """

    id: Id | None = Field(None, examples=["pred001"])
    course: Id | None = Field(None, examples=["AAA-2013J"])
    as_of: PastInstant | None = None


class SentenceOut(Out):
    """Sentence as a code with values (null: unknown), which docs/scores.md lists."""

    code: str = Field(examples=["missed_work.missed"])
    values: dict[str, float | None] = Field(examples=[{"missed": 3, "due": 5, "usual": 1}])


class AdviceOut(Out):
    """Recommendation; the code is the name of the indicator, null for texts of earlier releases."""

    code: str | None = Field(examples=["missed_work"])
    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the recommendation of that text."""
        return cls(code=advice_code(text), text=text)


class IndicatorOut(Out):
    """Indicator that contributes to the score.

    By the rules, `contribution` is its share of the score (0 to 1) and `compared_with` the
    student's own earlier value. By a model (`base_log_odds` is not null), `contribution` is its
    addition to the log-odds of the score, negative if it lowers the risk, and `compared_with` is
    the median of the course; `severity` is null. `is_sign` is true if it raises the risk and is a
    reason to talk with the student; it is null by the rules, whose indicators are all signs. Other
    nulls: the value is unknown, or nothing is compared. `text` is the English text of `sentence`,
    which is null in predictions of earlier releases and of those made elsewhere.
    """

    name: str
    part: DropoutType
    value: float | None
    compared_with: float | None
    severity: float | None
    contribution: float
    text: str
    is_sign: bool | None = None
    sentence: SentenceOut | None = None


class NotAssessedOut(Out):
    """Indicator that could not be assessed, and the reason."""

    name: str
    reason: str


class PredictionOut(Out):
    """Prediction with its reasons; `risk_score` and `confidence` are 0 to 1.

    `course` is that of the enrolment; null: the prediction is not about a course. `is_class`: it is
    a class of the roster, whose events and marks alone count; it is never the overall prediction.
    `confidence` is the share of the indicators, by weight, that have data.
    `version` names the rules or the model. By a model, `base_log_odds` and the contributions of all
    indicators add up to ln(score / (1 - score)), and `course_rank` is 1 for the highest risk among
    the `course_ranked` enrolments of the course; in a class by the rules, too.
    `momentum_index` is 0 to 100: above 70 healthy, 40 to 70 at risk, below 40 dropping out.
    """

    id: str
    student_id: str
    course: str | None
    is_class: bool
    dropout_type: DropoutType
    risk_score: float
    risk_level: RiskLevel
    confidence: float | None
    momentum_index: float | None
    base_log_odds: float | None
    course_rank: int | None
    course_ranked: int | None
    primary_indicators: list[IndicatorOut]
    secondary_indicators: list[IndicatorOut]
    recommendations: list[str]
    missing: list[NotAssessedOut]
    version: str
    as_of: datetime
    created_at: datetime
    pending_rows: PendingRows

    @computed_field  # type: ignore[prop-decorator] # pydantic's way
    @property
    def momentum(self) -> MomentumState | None:
        """State that the momentum index shows; null without an index."""
        return None if self.momentum_index is None else momentum_state(self.momentum_index)

    @computed_field  # type: ignore[prop-decorator] # pydantic's way
    @property
    def advice(self) -> list[AdviceOut]:
        """The recommendations with their codes."""
        return [AdviceOut.of(text) for text in self.recommendations]
