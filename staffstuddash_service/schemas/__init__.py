"""What clients send and get."""

from staffstuddash_service.schemas.students import NewStudent, StudentChange, StudentOut
from staffstuddash_service.schemas.work import AssessmentOut, DraftOut, NewAssessment, NewDraft

__all__ = [
    "AssessmentOut",
    "DraftOut",
    "NewAssessment",
    "NewDraft",
    "NewStudent",
    "StudentChange",
    "StudentOut",
]
