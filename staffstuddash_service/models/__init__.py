"""Tables of staffstuddash, and the view of the dropout service that it reads (`published`)."""

from staffstuddash_service.models.audit import ReadRow, ReadSubject
from staffstuddash_service.models.base import Base
from staffstuddash_service.models.break_glass import (
    LONGEST_REASON,
    SHORTEST_REASON,
    BreakGlass,
)
from staffstuddash_service.models.descriptions import (
    DemographicsRow,
    GuardianRow,
    IdentifierRow,
)
from staffstuddash_service.models.import_jobs import ImportJob, ImportPiece
from staffstuddash_service.models.invitations import Invitation
from staffstuddash_service.models.mails import Mail, WeeklyDigest
from staffstuddash_service.models.performance import (
    IS_LEARNER,
    IS_TUTOR,
    ConceptModule,
    ConceptStanding,
    PerformanceRecord,
)
from staffstuddash_service.models.restrictions import (
    REASON_LENGTH,
    StudentRestriction,
    is_restricted,
)
from staffstuddash_service.models.roster import (
    AdvisingRow,
    ClassRow,
    CourseRow,
    EnrolmentRow,
    KeptRow,
    OrganisationRow,
    Period,
    PersonAccess,
    PersonRow,
    SourcedRow,
    TeachingRow,
    TermRow,
)
from staffstuddash_service.models.students import (
    SORTED_LENGTH,
    ActionLog,
    Alias,
    Deletion,
    Hold,
    Student,
    sort_columns,
)
from staffstuddash_service.models.work import AssessmentLog, Draft

__all__ = [
    "IS_LEARNER",
    "IS_TUTOR",
    "LONGEST_REASON",
    "REASON_LENGTH",
    "SHORTEST_REASON",
    "SORTED_LENGTH",
    "ActionLog",
    "AdvisingRow",
    "Alias",
    "AssessmentLog",
    "Base",
    "BreakGlass",
    "ClassRow",
    "ConceptModule",
    "ConceptStanding",
    "CourseRow",
    "Deletion",
    "DemographicsRow",
    "Draft",
    "EnrolmentRow",
    "GuardianRow",
    "Hold",
    "IdentifierRow",
    "ImportJob",
    "ImportPiece",
    "Invitation",
    "KeptRow",
    "Mail",
    "OrganisationRow",
    "PerformanceRecord",
    "Period",
    "PersonAccess",
    "PersonRow",
    "ReadRow",
    "ReadSubject",
    "SourcedRow",
    "Student",
    "StudentRestriction",
    "TeachingRow",
    "TermRow",
    "WeeklyDigest",
    "is_restricted",
    "sort_columns",
]
