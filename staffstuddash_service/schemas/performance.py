"""Bodies of performance records."""

from datetime import datetime

from shared_web.requests.fields import Out
from staffstuddash_service.domain.drafts import Continuity
from staffstuddash_service.domain.integrity import NOTE, IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status


class SubjectPerformanceOut(Out):
    """Subject of a student; percentages are 0 to 100, and the trend needs three assessments."""

    subject: str
    mean_percentage: float
    count: int
    last_percentage: float
    last_submitted_at: datetime
    trend_per_30_days: float | None


class AssignmentIntegrityOut(Out):
    """Continuity of the versions of one text, 0 to 1; a hint and no verdict."""

    assignment_id: str
    revision_count: int
    integrity_score: float
    integrity_label: IntegrityLabel
    sudden_jump_flag: bool | None


class PerformanceOut(Out):
    """Summary of a student's assessments and drafts; null where there is too little data."""

    student_id: str
    mean_percentage: float | None
    trend_per_30_days: float | None
    assessment_count: int
    last_submitted_at: datetime | None
    subjects: list[SubjectPerformanceOut]
    strengths: list[str]
    weaknesses: list[str]
    status: Status | None
    status_reasons: list[str]
    learning_state: LearningState | None
    grit_level: float | None
    setback_count: int
    draft_count: int
    last_draft_at: datetime | None
    reasoning_continuity: Continuity | None
    integrity_score: float | None
    integrity_label: IntegrityLabel | None
    integrity_note: str = NOTE
    sudden_jump_flag: bool | None
    assignments: list[AssignmentIntegrityOut]
    last_activity_at: datetime | None
    updated_at: datetime
