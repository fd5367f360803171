"""Manager of staffstuddash and its repositories; all SQL of the service belongs here."""

from shared_db.audit.listing import ReadTables
from shared_db.audit.repository import ReadRepository
from shared_db.connection.database import Database
from shared_db.repository import Manager
from shared_db.retention.reads import ReadRetention
from staffstuddash_service.datastore.actions import ACTION, ActionRepository
from staffstuddash_service.datastore.assessments import (
    ASSESSMENT,
    AssessmentRepository,
    AssessmentToStore,
)
from staffstuddash_service.datastore.bulk_import import ImportRepository
from staffstuddash_service.datastore.concepts import CONCEPT, ConceptRepository
from staffstuddash_service.datastore.dashboards.action_weeks import ActionWeekRepository
from staffstuddash_service.datastore.dashboards.cohort import CohortDashboardRepository
from staffstuddash_service.datastore.dashboards.drawn_orders import DrawnOrderRepository
from staffstuddash_service.datastore.dashboards.followed_actions import (
    FollowedActionRepository,
)
from staffstuddash_service.datastore.dashboards.freshness import FreshnessRepository
from staffstuddash_service.datastore.dashboards.student import StudentDashboardRepository
from staffstuddash_service.datastore.dashboards.teacher import TeacherDashboardRepository
from staffstuddash_service.datastore.drafts import DRAFT, DraftRepository
from staffstuddash_service.datastore.erasure import StatisticsRepository
from staffstuddash_service.datastore.export import ExportRepository
from staffstuddash_service.datastore.follow_ups.changes import FollowUpRepository
from staffstuddash_service.datastore.import_jobs.store import (
    ImportJobRepository,
    ImportStep,
    NewImport,
)
from staffstuddash_service.datastore.mail.digests import DigestRepository
from staffstuddash_service.datastore.mail.outbox import MailRepository
from staffstuddash_service.datastore.merging.store import MergingRepository
from staffstuddash_service.datastore.performance import PerformanceRepository
from staffstuddash_service.datastore.retention.holds import HoldRepository
from staffstuddash_service.datastore.retention.store import RetentionRepository
from staffstuddash_service.datastore.retention.tombstones import TombstoneRepository
from staffstuddash_service.datastore.rights.break_glass import BreakGlassRepository
from staffstuddash_service.datastore.rights.restrictions import RestrictionRepository
from staffstuddash_service.datastore.rights.sign_ins import SignInRepository
from staffstuddash_service.datastore.roster.descriptions import StudentDescriptionRepository
from staffstuddash_service.datastore.roster.lookups import RosterLookupRepository
from staffstuddash_service.datastore.roster.person_access import PersonAccessRepository
from staffstuddash_service.datastore.roster.store import RosterRepository
from staffstuddash_service.datastore.roster.year_end import YearEndRepository
from staffstuddash_service.datastore.student_locks import (
    OPENINGS,
    find_student,
    refusals_out_of_sight,
)
from staffstuddash_service.datastore.students import STUDENT, StudentRepository, StudentToStore
from staffstuddash_service.datastore.table_import import TableImport, TableKind, TableRepository
from staffstuddash_service.models import Base, ReadRow, ReadSubject
from staffstuddash_service.settings import Settings

__all__ = [
    "PERSON_SCHEMAS",
    "SPOOLABLE_TYPES",
    "AssessmentToStore",
    "DatastoreManager",
    "ImportStep",
    "NewImport",
    "StudentToStore",
    "TableImport",
    "TableKind",
    "add_assessment",
    "add_draft",
    "add_student",
    "datastore",
    "get_performance_record",
    "get_student",
]

# Schemas with views for persons; the service's own comes first.
PERSON_SCHEMAS = ("staffstuddash", "dropout")

SPOOLABLE_TYPES = (STUDENT, ASSESSMENT, DRAFT, ACTION, CONCEPT)


class DatastoreManager(Manager):
    """All queries of staffstuddash, one repository for each resource."""

    def __init__(self, database: Database | None = None) -> None:
        super().__init__(
            database
            or Database.from_settings(
                "staffstuddash", Base.metadata, Settings.load, person_schemas=PERSON_SCHEMAS
            )
        )
        self.database.use_sight(refusals_out_of_sight, OPENINGS)
        self.students = StudentRepository(self.database, self.spool)
        self.assessments = AssessmentRepository(self.database, self.spool)
        self.drafts = DraftRepository(self.database, self.spool)
        self.performance = PerformanceRepository(self.database, self.spool)
        self.actions = ActionRepository(self.database, self.spool)
        self.follow_ups = FollowUpRepository(self.database, self.spool)
        self.concepts = ConceptRepository(self.database, self.spool)
        self.teacher_dashboard = TeacherDashboardRepository(self.database, self.spool)
        self.student_dashboard = StudentDashboardRepository(self.database, self.spool)
        self.cohort_dashboard = CohortDashboardRepository(self.database, self.spool)
        self.action_weeks = ActionWeekRepository(self.database)
        self.followed_actions = FollowedActionRepository(self.database)
        self.drawn_orders = DrawnOrderRepository(self.database)
        self.freshness = FreshnessRepository(self.database, self.spool)
        self.merging = MergingRepository(self.database, self.spool)
        self.exports = ExportRepository(self.database, self.spool)
        read_tables = ReadTables(ReadRow, ReadSubject)
        self.reads = ReadRepository(self.database, read_tables, find_student)
        self.statistics = StatisticsRepository(self.database)
        self.holds = HoldRepository(self.database, self.spool)
        self.retention = RetentionRepository(self.database, self.spool)
        self.read_retention = ReadRetention(self.database, read_tables, self.retention.held)
        self.tombstones = TombstoneRepository(self.database)
        self.students.after_erasure = self.retention.after_erasure = self.tombstones.record_now
        self.roster = RosterRepository(self.database, self.spool)
        self.roster_lookups = RosterLookupRepository(self.database, self.spool)
        self.student_descriptions = StudentDescriptionRepository(self.database, self.spool)
        self.person_access = PersonAccessRepository(self.database, self.spool)
        self.sign_ins = SignInRepository(self.database, self.spool)
        self.restrictions = RestrictionRepository(self.database, self.spool)
        self.break_glass = BreakGlassRepository(self.database, self.spool)
        self.mails = MailRepository(self.database)
        self.digests = DigestRepository(self.database)
        self.year_end = YearEndRepository(self.database, self.spool)
        self.imports = ImportRepository(self.database, self.spool)
        self.import_jobs = ImportJobRepository(self.database)
        self.tables = TableRepository(self.database, self.spool)
        # The names of the design document.
        self.add_student = self.students.add
        self.get_student = self.students.get
        self.add_draft = self.drafts.add
        self.add_assessment = self.assessments.add
        self.get_performance_record = self.performance.get


datastore = DatastoreManager()
add_student = datastore.add_student
get_student = datastore.get_student
add_draft = datastore.add_draft
add_assessment = datastore.add_assessment
get_performance_record = datastore.get_performance_record
