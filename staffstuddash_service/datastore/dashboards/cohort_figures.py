"""Figures of the cohort dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from staffstuddash_service.domain.cohort import MaterialHint
from staffstuddash_service.domain.learning import LearningState


@dataclass(frozen=True)
class HeatCell:
    """Number of students in one state at one concept; state None: too few assessments."""

    subject: str
    concept: str
    difficulty: int | None
    learning_state: LearningState | None
    student_count: int


@dataclass(frozen=True)
class TutoringPair:
    """Strong student and a student who stalled at the same concept; means are 0 to 100."""

    subject: str
    concept: str
    tutor_id: str
    tutor_mean: float
    learner_id: str
    learner_mean: float


@dataclass(frozen=True)
class Cohort:
    """All students together; figures are None where there is too little data."""

    student_count: int
    active_count: int
    flagged_count: int
    review_needed_count: int
    high_risk_count: int
    high_dropout_risk_count: int | None
    intervened_today_count: int
    mean_progress: float | None
    mean_progress_change: float | None
    learning_velocity: float | None
    learning_velocity_student_count: int
    material_hints: Sequence[MaterialHint]
    struggle_heat_map: Sequence[HeatCell]
    tutoring_pairs: Sequence[TutoringPair]
    as_of: datetime
