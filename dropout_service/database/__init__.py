"""The manager of this service: every query on its tables, a part for each noun."""

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.orm import Session

from dropout_service.database.analytics import Analytics
from dropout_service.database.assessments import ASSESSMENT, Assessments
from dropout_service.database.clicks import Clicks
from dropout_service.database.cohorts import Cohorts
from dropout_service.database.courses import Courses
from dropout_service.database.enrolment_predictions import EnrolmentPredictions
from dropout_service.database.events import EVENT, Events, EventToStore
from dropout_service.database.features import FeatureSets
from dropout_service.database.feedback import Feedback
from dropout_service.database.learned_models import LearnedModels
from dropout_service.database.learning_rows import LearningRows
from dropout_service.database.predicting import Predicting
from dropout_service.database.predictions import Predictions
from dropout_service.database.recomputing import Recomputing
from dropout_service.database.students import STUDENT, Students
from dropout_service.models import Base
from dropout_service.settings import Settings
from shared_db.database import Database
from shared_db.ingest import GroupCommit

KINDS = (STUDENT, EVENT, ASSESSMENT)

__all__ = ["KINDS", "DropoutDatabaseManager", "EventToStore", "db_manager", "get_db"]


class DropoutDatabaseManager(
    Students,
    Events,
    Clicks,
    Assessments,
    Courses,
    FeatureSets,
    Predicting,
    Predictions,
    EnrolmentPredictions,
    Cohorts,
    Recomputing,
    LearningRows,
    LearnedModels,
    Feedback,
    Analytics,
):
    """Events, what they show, and predictions. Each method is one unit of work."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.from_settings("dropout", Base.metadata, Settings.load)
        self.commits = GroupCommit(self._store_waiting)
        self.get_session = self.database.get_session


db_manager = DropoutDatabaseManager()


def get_db() -> Iterator[Session]:
    """Give a plain session; for a dependency outside, `Depends(get_db, scope="function")`.

    The caller commits before it answers: what follows `yield` runs after the response is sent.
    """
    with closing(db_manager.get_session()) as session:
        yield session
