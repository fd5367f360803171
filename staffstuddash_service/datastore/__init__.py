"""The manager of this service: every query on its tables, and the design's short functions."""

from shared_db.connection.database import Database
from staffstuddash_service.datastore.actions import ACTION, Actions
from staffstuddash_service.datastore.assessments import ASSESSMENT, Assessments, AssessmentToStore
from staffstuddash_service.datastore.bulk_import import Imports
from staffstuddash_service.datastore.concepts import CONCEPT, Concepts
from staffstuddash_service.datastore.dashboards.cohort import Cohort, Cohorts
from staffstuddash_service.datastore.dashboards.student import StudentDashboard, StudentDashboards
from staffstuddash_service.datastore.dashboards.teacher import DashboardRow, TeacherDashboard
from staffstuddash_service.datastore.drafts import DRAFT, Drafts
from staffstuddash_service.datastore.erasure import Erasure
from staffstuddash_service.datastore.performance import Performances
from staffstuddash_service.datastore.results import Result
from staffstuddash_service.datastore.risk import Risk
from staffstuddash_service.datastore.students import STUDENT, Students, StudentToStore
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings

SPOOLABLE_TYPES = (STUDENT, ASSESSMENT, DRAFT, ACTION, CONCEPT)

__all__ = [
    "SPOOLABLE_TYPES",
    "AssessmentToStore",
    "Cohort",
    "DashboardRow",
    "DatastoreManager",
    "Result",
    "Risk",
    "StudentDashboard",
    "StudentToStore",
    "add_assessment",
    "add_draft",
    "add_student",
    "datastore",
    "get_performance_record",
    "get_student",
]


class DatastoreManager(
    Students,
    Assessments,
    Drafts,
    Performances,
    Actions,
    Concepts,
    TeacherDashboard,
    StudentDashboards,
    Cohorts,
    Erasure,
    Imports,
):
    """What staff know of students. Each method is one unit of work."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.from_settings(
            "staffstuddash", Base.metadata, Settings.load
        )
        self.get_session = self.database.get_session


datastore = DatastoreManager()
add_student = datastore.add_student
get_student = datastore.get_student
add_draft = datastore.add_draft
add_assessment = datastore.add_assessment
get_performance_record = datastore.get_performance_record
