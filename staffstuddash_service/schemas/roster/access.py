"""Bodies of the access of members of staff."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from shared_web.auth.persons import default_role
from shared_web.auth.roles import ROLE_NAME
from shared_web.requests.fields import Body, Out
from staffstuddash_service.datastore.roster.person_access import Access, StaffAccess
from staffstuddash_service.domain.roster import StaffRole


class AccessReplacement(Body):
    """Role from now on, built in or one of the school's own."""

    role: str = Field(pattern=f"^{ROLE_NAME}$", examples=["principal"])


class AccessOut(Out):
    """Access of a member of staff; without `role` it follows from the role in the roster."""

    person_id: str
    staff_role: StaffRole = Field(description="The role in the roster.")
    role: str | None = Field(description="The role that was given; null: that of `staff_role`.")
    is_revoked: bool
    role_in_force: str | None = Field(
        description="The role that was given, else that of `staff_role`; null: no access."
    )
    updated_at: datetime | None
    updated_by: str | None

    @classmethod
    def of(cls, access: Access, **further: Any) -> Self:
        """Return the answer about the access of a person."""
        role = access.role or default_role(access.staff_role)
        return cls(
            person_id=access.person_id,
            staff_role=access.staff_role,
            role=access.role,
            is_revoked=access.is_revoked,
            role_in_force=None if access.is_revoked else role,
            updated_at=access.updated_at,
            updated_by=access.updated_by,
            **further,
        )


class StaffAccessOut(AccessOut):
    """Access of a member of staff, with what they have to do with today."""

    name: str
    class_count: int = Field(description="Classes that the person teaches.")
    student_count: int = Field(description="Students whom the person advises.")

    @classmethod
    def of_staff(cls, found: StaffAccess) -> Self:
        """Return the item of a list."""
        return cls.of(
            found.access,
            name=found.access.name,
            class_count=found.class_count,
            student_count=found.student_count,
        )
