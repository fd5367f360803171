"""Features, predictions and what people say of them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, computed_field

from dropout_service.domain.enums import DropoutType, RiskLevel, Verdict
from dropout_service.domain.rules.momentum import MomentumState, momentum_state
from shared_web.requests.fields import Body, Id, Out, PastInstant, Text

PendingRows = Annotated[
    int | None,
    Field(
        description="Rows of this student that were accepted and not stored when this was computed."
        " Above 0, it is computed again once they are stored. Null: not known.",
        examples=[0],
    ),
]


class NewFeatureSet(Body):
    """Features to compute, from what was known at `as_of`, by default now."""

    id: Id | None = Field(None, examples=["fs001"])
    as_of: PastInstant | None = None


class FeatureSetOut(Out):
    """Features as computed; docs/scores.md has each formula. Null: too little for it."""

    id: str
    student_id: str
    as_of: datetime
    version: str
    features: dict[str, Any]
    created_at: datetime
    pending_rows: PendingRows


class NewPrediction(Body):
    """A prediction to make, from what was known at `as_of`, by default now.

    `course`: of the enrolment in this course; by default of the one with the highest risk.
    """

    id: Id | None = Field(None, examples=["pred001"])
    course: Id | None = Field(None, examples=["AAA-2013J"])
    as_of: PastInstant | None = None


class IndicatorOut(Out):
    """A sign behind the score.

    By rules: `contribution` is how much of the score it is (0 to 1), `compared_with` the student's
    own earlier value. By a model (`base_log_odds` is there): `contribution` is what it adds to the
    log-odds of the score, below 0 what it takes away; `compared_with` is the course's median, and
    there is no `severity`; `is_sign` is true where it raises the risk and shows something to talk
    about, and null by the rules, of which all are signs. Else null is not known, or nothing to
    compare with.
    """

    name: str
    part: DropoutType
    value: float | None
    compared_with: float | None
    severity: float | None
    contribution: float
    text: str
    is_sign: bool | None = None


class NotAssessedOut(Out):
    """A sign that could not be judged, and why."""

    name: str
    reason: str


class PredictionOut(Out):
    """A prediction with its reasons; `risk_score` and `confidence` are 0 to 1.

    `course` is that of the enrolment that may be dropped out of; null: the student altogether.
    `confidence` is the share of the signs, by weight, that there were data for.
    `version` names the rules or the model; of a model, `base_log_odds` and the contributions of all
    indicators add up to ln(score / (1 - score)), and `course_rank` is 1 for the highest risk of the
    `course_ranked` in the course.
    `momentum_index` is 0 to 100: above 70 healthy, 40 to 70 at risk, below 40 dropping out.
    """

    id: str
    student_id: str
    course: str | None
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
        """What the momentum index means; none without an index."""
        return None if self.momentum_index is None else momentum_state(self.momentum_index)


class NewFeedback(Body):
    """What somebody who knows the student says of a prediction."""

    id: Id | None = Field(None, examples=["fb001"])
    verdict: Annotated[Verdict, Field(strict=False)] = Field(examples=["accepted"])
    note: Text | None = Field(None, examples=["Spoke with her; she starts again on Monday."])


class FeedbackOut(Out):
    """A verdict as stored; `given_by` is the name of the API key."""

    id: str
    prediction_id: str
    verdict: Verdict
    note: str | None
    given_by: str | None
    created_at: datetime
