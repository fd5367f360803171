"""Files of OneRoster, their columns, and the spellings of columns in real exports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

ID, STATUS = "sourcedId", "status"


class File(StrEnum):
    """File that is imported, in the order of reading; the value is its name without `.csv`."""

    ORGANISATIONS = "orgs"
    SESSIONS = "academicSessions"
    COURSES = "courses"
    CLASSES = "classes"
    ROLES = "roles"
    USERS = "users"
    ENROLLMENTS = "enrollments"
    DEMOGRAPHICS = "demographics"
    CATEGORIES = "categories"
    LINE_ITEMS = "lineItems"
    RESULTS = "results"

    @property
    def filename(self) -> str:
        """The name as the standard writes it."""
        return f"{self.value}.csv"


@dataclass(frozen=True)
class Columns:
    """Columns that are read; a header without a required one is refused."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All columns that are read."""
        return (ID, STATUS, *self.required, *self.optional)


RACES = (
    "americanIndianOrAlaskaNative",
    "asian",
    "blackOrAfricanAmerican",
    "nativeHawaiianOrOtherPacificIslander",
    "white",
    "demographicRaceTwoOrMoreRaces",
    "hispanicOrLatinoEthnicity",
)
ORIGINS = (
    "countryOfBirthCode",
    "stateOfBirthAbbreviation",
    "cityOfBirth",
    "publicSchoolResidenceStatus",
)

COLUMNS: Mapping[File, Columns] = MappingProxyType(
    {
        File.ORGANISATIONS: Columns(("name", "type"), ("identifier", "parentSourcedId")),
        File.SESSIONS: Columns(
            ("title", "type", "startDate", "endDate"), ("parentSourcedId", "schoolYear")
        ),
        File.COURSES: Columns(("title",), ("courseCode", "grades", "orgSourcedId", "subjects")),
        File.CLASSES: Columns(
            ("title",),
            (
                "grades",
                "courseSourcedId",
                "classCode",
                "classType",
                "location",
                "schoolSourcedId",
                "termSourcedIds",
                "subjects",
            ),
        ),
        File.ROLES: Columns(
            ("userSourcedId", "role"), ("roleType", "beginDate", "endDate", "orgSourcedId")
        ),
        File.USERS: Columns(
            ("givenName", "familyName"),
            (
                "username",
                "userIds",
                "identifier",
                "email",
                "sms",
                "phone",
                "role",
                "orgSourcedIds",
                "agentSourcedIds",
                "userMasterIdentifier",
                "preferredGivenName",
                "preferredFamilyName",
                "primaryOrgSourcedId",
            ),
        ),
        File.ENROLLMENTS: Columns(
            ("classSourcedId", "userSourcedId", "role"), ("primary", "beginDate", "endDate")
        ),
        File.DEMOGRAPHICS: Columns((), ("birthDate", "sex", *RACES, *ORIGINS)),
        File.CATEGORIES: Columns(("title",)),
        File.LINE_ITEMS: Columns(
            ("title", "classSourcedId"), ("categorySourcedId", "dueDate", "resultValueMax")
        ),
        File.RESULTS: Columns(
            ("lineItemSourcedId", "studentSourcedId"), ("scoreStatus", "score", "scoreDate")
        ),
    }
)

# Files of the standard without anything that is stored here.
NOT_IMPORTED = (
    "classResources",
    "courseResources",
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "resources",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "scoreScales",
    "userProfiles",
    "userResources",
)

_MISSPELT = {
    "datalastmodified": "datelastmodified",
    "prefferedgivenname": "preferredgivenname",
    "prefferedfamilyname": "preferredfamilyname",
}


def normal_name(column: str) -> str:
    """Return a column's name in lower case, without spaces, and correctly spelt."""
    name = re.sub(r"[\s_\-]", "", column).lower()
    return _MISSPELT.get(name, name)
