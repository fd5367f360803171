"""Bodies of the access of members of staff."""

from datetime import datetime

from pydantic import Field

from shared_web.auth.roles import ROLE_NAME
from shared_web.requests.fields import Body, Out
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
    updated_at: datetime | None
    updated_by: str | None
