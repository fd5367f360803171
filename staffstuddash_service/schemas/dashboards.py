"""Bodies of the dashboards."""

from datetime import datetime

from shared_web.requests.fields import Out
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.domain.integrity import NOTE, IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.schemas.performance import PerformanceOut
from staffstuddash_service.schemas.students import StudentOut


class RiskOut(Out):
    """Dropout prediction, overall or in the course that was asked for: `score` is 0 to 1.

    `course` is that of the enrolment with this risk; null for the student altogether. `course_rank`
    is the place among the `course_ranked` students of the course. Scores of two versions or courses
    cannot be compared.
    """

    score: float
    level: str
    dropout_type: str
    as_of: datetime
    course: str | None
    prediction_id: str
    version: str
    course_rank: int | None
    course_ranked: int | None


class LastActionOut(Out):
    """Latest action of staff about a student that was not withdrawn.

    `timestamp` is when it was done, of a planned one when it was planned.
    """

    action: str
    state: ActionState
    actor: str
    timestamp: datetime


class DashboardRowOut(Out):
    """Student on the teacher's dashboard; without a risk, with the reason."""

    student_id: str
    name: str
    mean_percentage: float | None
    trend_per_30_days: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    status: Status | None
    status_reasons: list[str]
    learning_state: LearningState | None
    grit_level: float | None
    integrity_label: IntegrityLabel | None
    integrity_note: str = NOTE
    sudden_jump_flag: bool | None
    last_activity_at: datetime | None
    risk: RiskOut | None
    risk_missing_because: str | None
    last_action: LastActionOut | None
    planned_count: int


class ConceptStandingOut(Out):
    """Standing of the student at one concept; the state is null below three assessments."""

    subject: str
    concept: str
    assessment_count: int
    mean_percentage: float
    change_points: float | None
    learning_state: LearningState | None
    last_submitted_at: datetime


class StudentDashboardOut(Out):
    """Student with their performance, concepts and dropout risk."""

    student: StudentOut
    performance: PerformanceOut
    concepts: list[ConceptStandingOut]
    risk: RiskOut | None
    risk_missing_because: str | None


class MaterialHintOut(Out):
    """Hint whether most students fell in a subject: then look at the material first."""

    subject: str
    compared: int
    fallen: int
    fallen_share: float | None
    is_material: bool | None
    text: str


class HeatCellOut(Out):
    """Number of students in one state at one concept; null: too few assessments."""

    subject: str
    concept: str
    difficulty: int | None
    learning_state: LearningState | None
    student_count: int


class TutoringPairOut(Out):
    """Strong student and a student who stalled at the same concept."""

    subject: str
    concept: str
    tutor_id: str
    tutor_mean: float
    learner_id: str
    learner_mean: float


class CohortOut(Out):
    """All students together; figures are null where there is too little data."""

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
    material_hints: list[MaterialHintOut]
    struggle_heat_map: list[HeatCellOut]
    tutoring_pairs: list[TutoringPairOut]
    as_of: datetime
