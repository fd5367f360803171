"""Manager of the dropout service and its repositories: all SQL on its tables, and no HTTP."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dropout_service.database.assessments import ASSESSMENT, AssessmentRepository
from dropout_service.database.courses.store import CourseRepository
from dropout_service.database.events.click_import import ClickImport
from dropout_service.database.events.store import EVENT, EventRepository, EventToStore
from dropout_service.database.features.store import FeatureRepository
from dropout_service.database.features.training_set import TrainingSetRepository
from dropout_service.database.predictions.batch import BatchPredictionRepository
from dropout_service.database.predictions.feedback import FeedbackRepository
from dropout_service.database.predictions.model_registry import ModelRegistry
from dropout_service.database.predictions.recomputing import RecomputingRepository
from dropout_service.database.predictions.store import PredictionRepository
from dropout_service.database.predictions.summary import RiskSummaryRepository
from dropout_service.database.students.store import STUDENT, StudentRepository
from dropout_service.domain.enums import DropoutType, EventType, RiskLevel
from dropout_service.models import Base, DropoutPrediction, FeatureSet, LearningEvent
from dropout_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.repository import Manager

SPOOLABLE_TYPES = (STUDENT, EVENT, ASSESSMENT)

__all__ = ["SPOOLABLE_TYPES", "DropoutDatabaseManager", "EventToStore", "db_manager", "get_db"]


class DropoutDatabaseManager(Manager):
    """All queries of dropout, one repository per resource."""

    def __init__(self, database: Database | None = None) -> None:
        super().__init__(
            database or Database.from_settings("dropout", Base.metadata, Settings.load)
        )
        self.students = StudentRepository(self.database, self.spool)
        self.events = EventRepository(self.database, self.spool)
        self.clicks = ClickImport(self.database)
        self.assessments = AssessmentRepository(self.database, self.spool)
        self.courses = CourseRepository(self.database)
        self.features = FeatureRepository(self.database, self.spool)
        self.training_sets = TrainingSetRepository(self.database)
        self.predictions = PredictionRepository(self.database, self.spool)
        self.batch_predictions = BatchPredictionRepository(self.database, self.spool)
        self.recomputing = RecomputingRepository(self.database, self.spool)
        self.models = ModelRegistry(self.database)
        self.feedback = FeedbackRepository(self.database)
        self.analytics = RiskSummaryRepository(self.database)

    # The names of the design.

    def add_learning_event(
        self,
        event_id: str | None,
        student_id: str,
        question_id: str | None,
        event_type: EventType | str,
        *,
        course: str | None = None,
        data: dict[str, Any] | None = None,
        occurred_at: datetime | None = None,
    ) -> LearningEvent:
        """Insert one event, and its student if new; see `EventRepository.add`."""
        return self.events.add(
            event_id,
            student_id,
            question_id,
            event_type,
            course=course,
            data=data,
            occurred_at=occurred_at,
        )

    def save_feature_set(
        self,
        feature_set_id: str | None,
        student_id: str,
        features: dict[str, Any],
        **optional: Any,
    ) -> FeatureSet:
        """Insert features that were computed elsewhere; see `FeatureRepository.add`."""
        return self.features.add(feature_set_id, student_id, features, **optional)

    def save_prediction(
        self,
        prediction_id: str | None,
        student_id: str,
        dropout_type: DropoutType | str,
        risk_score: float,
        level: RiskLevel | str | None = None,
        **optional: Any,
    ) -> DropoutPrediction:
        """Insert a prediction that was made elsewhere; see `PredictionRepository.add`."""
        return self.predictions.add(
            prediction_id, student_id, dropout_type, risk_score, level, **optional
        )


db_manager = DropoutDatabaseManager()


def get_db() -> Iterator[Session]:
    """Yield a session for a FastAPI dependency: `Depends(get_db, scope="function")`.

    The caller commits before it answers: the code after `yield` runs after the response is sent.
    """
    with closing(db_manager.get_session()) as session:
        yield session
