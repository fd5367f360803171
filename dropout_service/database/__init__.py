"""The manager of this service: every query on its tables, a part for each noun."""

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.orm import Session

from dropout_service.database.assessments import ASSESSMENT, Assessments
from dropout_service.database.courses.store import Courses
from dropout_service.database.events.click_import import Clicks
from dropout_service.database.events.store import EVENT, Events, EventToStore
from dropout_service.database.features.store import FeatureSets
from dropout_service.database.features.training_set import LearningRows
from dropout_service.database.predictions.batch import Cohorts
from dropout_service.database.predictions.by_model import EnrolmentPredictions
from dropout_service.database.predictions.feedback import Feedback
from dropout_service.database.predictions.model_registry import LearnedModels
from dropout_service.database.predictions.recomputing import Recomputing
from dropout_service.database.predictions.single import Predicting
from dropout_service.database.predictions.store import Predictions
from dropout_service.database.predictions.summary import Analytics
from dropout_service.database.students.store import STUDENT, Students
from dropout_service.models import Base
from dropout_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.writes.group_commit import GroupCommit

SPOOLABLE_TYPES = (STUDENT, EVENT, ASSESSMENT)

__all__ = ["SPOOLABLE_TYPES", "DropoutDatabaseManager", "EventToStore", "db_manager", "get_db"]


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
