"""Roles of users: columns of users.csv in version 1.1, rows of roles.csv in version 1.2."""

from collections.abc import Mapping
from types import MappingProxyType

from shared_db.clock import utc_now
from staffstuddash_service.domain.roster import StaffRole
from veritas_cli.oneroster.reading.cells import Row
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.staging import StagedRow, UserRole

STUDENT = "student"
GUARDIANS = ("guardian", "parent", "relative")
STAFF: Mapping[str, StaffRole] = MappingProxyType(
    {
        "teacher": StaffRole.TEACHER,
        "counselor": StaffRole.ADVISOR,
        "principal": StaffRole.PRINCIPAL,
        "administrator": StaffRole.ADMINISTRATOR,
        "districtAdministrator": StaffRole.ADMINISTRATOR,
        "siteAdministrator": StaffRole.ADMINISTRATOR,
        "systemAdministrator": StaffRole.ADMINISTRATOR,
        "aide": StaffRole.AIDE,
        "proctor": StaffRole.AIDE,
    }
)
ROLES = {role: role for role in (STUDENT, *STAFF, *GUARDIANS)}
_EXTENSION = "ext:"
_PRIMARY = {"primary": True, "secondary": False}


def roles_of(row: StagedRow) -> list[UserRole]:
    """Return the roles that a row of users.csv or roles.csv has at present.

    Raises:
        RowRefused: a role is missing or unknown; not for an extension of the standard, `ext:...`.

    """
    cells = Row(row.cells)
    if row.cells.get("role", "").lower().startswith(_EXTENSION):
        return []
    if row.file is File.USERS:
        if row.is_ending and not cells.has("role"):
            return []
        role = cells.choice("role", ROLES)
        organisations = cells.ids("orgSourcedIds") or (None,)
        return [UserRole(row.id, role, is_primary=True, organisation_id=o) for o in organisations]
    user, role = cells.id("userSourcedId"), cells.choice("role", ROLES)
    is_primary = cells.choice("roleType", _PRIMARY) if cells.has("roleType") else True
    organisation = cells.id_or_none("orgSourcedId")
    _, ends = cells.span("beginDate", "endDate")
    if ends is not None and ends <= utc_now().date():
        return []
    return [UserRole(user, role, is_primary, organisation)]
