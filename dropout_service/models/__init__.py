"""Tables that this service owns, and views that it reads; no queries."""

import dropout_service.models.memory  # noqa: F401 - creates the views of the in-memory store
from dropout_service.models.assessments import (
    Assessment,
    KnownAssessment,
    KnownStudent,
    MarkCorrection,
)
from dropout_service.models.audit import ReadRow, ReadSubject
from dropout_service.models.base import Base
from dropout_service.models.courses import (
    Course,
    Coursework,
    Enrolment,
    EnrolmentBackground,
    Submission,
)
from dropout_service.models.drawn_places import DrawnPlace
from dropout_service.models.events import AttemptHistory, DailyActivity, LearningEvent, ResourceUse
from dropout_service.models.learned import LearnedModel, ModelWeek
from dropout_service.models.predictions import (
    DropoutPrediction,
    FeatureSet,
    OverallRisk,
    PredictionFeedback,
)
from dropout_service.models.published import (
    published_aliases,
    published_classes,
    published_deletions,
    published_enrolments,
    published_holds,
    published_identifiers,
    published_memberships,
    published_openings,
    published_restrictions,
)
from dropout_service.models.students import Alias, Deletion, Student

__all__ = [
    "Alias",
    "Assessment",
    "AttemptHistory",
    "Base",
    "Course",
    "Coursework",
    "DailyActivity",
    "Deletion",
    "DrawnPlace",
    "DropoutPrediction",
    "Enrolment",
    "EnrolmentBackground",
    "FeatureSet",
    "KnownAssessment",
    "KnownStudent",
    "LearnedModel",
    "LearningEvent",
    "MarkCorrection",
    "ModelWeek",
    "OverallRisk",
    "PredictionFeedback",
    "ReadRow",
    "ReadSubject",
    "ResourceUse",
    "Student",
    "Submission",
    "published_aliases",
    "published_classes",
    "published_deletions",
    "published_enrolments",
    "published_holds",
    "published_identifiers",
    "published_memberships",
    "published_openings",
    "published_restrictions",
]
