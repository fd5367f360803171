"""What clients send and get."""

from dropout_service.schemas.analytics import FeedbackCountsOut, SummaryOut
from dropout_service.schemas.assessments import AssessmentOut, NewAssessment
from dropout_service.schemas.courses import CourseOut
from dropout_service.schemas.events import AttemptOut, LearningEventOut, NewLearningEvent
from dropout_service.schemas.models import ModelOut
from dropout_service.schemas.predictions import (
    FeatureSetOut,
    FeedbackOut,
    NewFeatureSet,
    NewFeedback,
    NewPrediction,
    PredictionOut,
)
from dropout_service.schemas.students import NewStudent, StudentOut

__all__ = [
    "AssessmentOut",
    "AttemptOut",
    "CourseOut",
    "FeatureSetOut",
    "FeedbackCountsOut",
    "FeedbackOut",
    "LearningEventOut",
    "ModelOut",
    "NewAssessment",
    "NewFeatureSet",
    "NewFeedback",
    "NewLearningEvent",
    "NewPrediction",
    "NewStudent",
    "PredictionOut",
    "StudentOut",
    "SummaryOut",
]
