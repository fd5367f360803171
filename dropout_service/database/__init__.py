"""Manager of the dropout service and its repositories: all SQL on its tables, and no HTTP."""

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.orm import Session

from dropout_service.database.assessments import ASSESSMENT, AssessmentRepository
from dropout_service.database.course_risks.changes import CourseChangeRepository
from dropout_service.database.course_risks.draws import DrawRepository
from dropout_service.database.course_risks.store import CourseRiskRepository
from dropout_service.database.courses.activity import CourseActivityRepository
from dropout_service.database.courses.store import CourseRepository
from dropout_service.database.courses.student_activity import StudentActivityRepository
from dropout_service.database.courses.student_work import StudentWorkRepository
from dropout_service.database.courses.weekly_activity import WeeklyActivityRepository
from dropout_service.database.events.click_import import ClickImport
from dropout_service.database.events.store import EVENT, EventRepository, EventToStore
from dropout_service.database.export import ExportRepository
from dropout_service.database.features.store import FeatureRepository
from dropout_service.database.features.training_set import TrainingSetRepository
from dropout_service.database.freshness import FreshnessRepository
from dropout_service.database.measures import MeasureRepository
from dropout_service.database.merging import MergingRepository
from dropout_service.database.model_quality.weeks import ModelWeekRepository
from dropout_service.database.predictions.batch import BatchPredictionRepository
from dropout_service.database.predictions.feedback import FeedbackRepository
from dropout_service.database.predictions.model_registry import ModelRegistry
from dropout_service.database.predictions.recomputing import RecomputingRepository
from dropout_service.database.predictions.store import PredictionRepository
from dropout_service.database.predictions.summary import RiskSummaryRepository
from dropout_service.database.retention import RetentionRepository
from dropout_service.database.statistics import StatisticsRepository
from dropout_service.database.students.locking import require_student
from dropout_service.database.students.sight import OPENINGS, refusals_out_of_sight
from dropout_service.database.students.store import STUDENT, StudentRepository
from dropout_service.models import Base, ReadRow, ReadSubject
from dropout_service.settings import Settings
from shared_db.audit.listing import ReadTables
from shared_db.audit.repository import ReadRepository
from shared_db.connection.database import Database
from shared_db.repository import Manager
from shared_db.retention.reads import ReadRetention

# Schemas with views for persons; the service's own comes first.
PERSON_SCHEMAS = ("dropout", "staffstuddash")
SPOOLABLE_TYPES = (STUDENT, EVENT, ASSESSMENT)

__all__ = [
    "PERSON_SCHEMAS",
    "SPOOLABLE_TYPES",
    "DropoutDatabaseManager",
    "EventToStore",
    "db_manager",
    "get_db",
]


class DropoutDatabaseManager(Manager):
    """All queries of dropout, one repository per resource."""

    def __init__(self, database: Database | None = None) -> None:
        super().__init__(
            database
            or Database.from_settings(
                "dropout", Base.metadata, Settings.load, person_schemas=PERSON_SCHEMAS
            )
        )
        self.database.use_sight(refusals_out_of_sight, OPENINGS)
        self.students = StudentRepository(self.database, self.spool)
        self.events = EventRepository(self.database, self.spool)
        self.clicks = ClickImport(self.database)
        self.assessments = AssessmentRepository(self.database, self.spool)
        self.courses = CourseRepository(self.database)
        self.course_activity = CourseActivityRepository(self.database)
        self.weekly_activity = WeeklyActivityRepository(self.database)
        self.student_activity = StudentActivityRepository(self.database)
        self.student_work = StudentWorkRepository(self.database)
        self.freshness = FreshnessRepository(self.database, self.spool)
        self.measures = MeasureRepository(self.database)
        self.draws = DrawRepository(self.database)
        self.course_risks = CourseRiskRepository(self.database, self.draws)
        self.course_changes = CourseChangeRepository(self.database, self.draws)
        self.features = FeatureRepository(self.database, self.spool)
        self.training_sets = TrainingSetRepository(self.database)
        self.predictions = PredictionRepository(self.database, self.spool)
        self.batch_predictions = BatchPredictionRepository(self.database, self.spool)
        self.recomputing = RecomputingRepository(self.database, self.spool)
        self.merging = MergingRepository(self.database, self.spool)
        self.exports = ExportRepository(self.database, self.spool)
        self.retention = RetentionRepository(self.database)
        read_tables = ReadTables(ReadRow, ReadSubject)
        self.reads = ReadRepository(self.database, read_tables, require_student)
        self.read_retention = ReadRetention(self.database, read_tables, self.retention.held)
        self.statistics = StatisticsRepository(self.database)
        self.models = ModelRegistry(self.database)
        self.model_weeks = ModelWeekRepository(self.database)
        self.feedback = FeedbackRepository(self.database)
        self.analytics = RiskSummaryRepository(self.database)
        # Names of the design.
        self.add_learning_event = self.events.add
        self.save_feature_set = self.features.add
        self.save_prediction = self.predictions.add


db_manager = DropoutDatabaseManager()


def get_db() -> Iterator[Session]:
    """Yield a session for a FastAPI dependency: `Depends(get_db, scope="function")`.

    The caller commits before it answers: the code after `yield` runs after the response is sent.
    """
    with closing(db_manager.get_session()) as session:
        yield session
