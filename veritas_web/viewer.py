"""Reader of the pages, as the services know them."""

from dataclasses import dataclass, field

from shared_web.principals import Permission

# Of staff; students have neither.
STAFF_PERMISSIONS = (Permission.PREDICTIONS_READ, Permission.ACTIONS_READ)
_STUDENT = "student"


@dataclass(frozen=True)
class Viewer:
    """Reader of the pages.

    person_id: None for a developer without keys: everything is seen. acting: True if a developer
    looks at the pages as this person. notices: openings by break-glass that the reader has not
    acknowledged; None: it is not known now.
    """

    person_id: str | None
    name: str
    permissions: frozenset[str] = field(default_factory=frozenset)
    roles: tuple[str, ...] = ()
    sees_all: bool = False
    is_developer: bool = False
    acting: bool = False
    notices: int | None = 0

    @property
    def is_staff(self) -> bool:
        """True if the reader may open pages of staff."""
        return any(map(self.may, STAFF_PERMISSIONS))

    @property
    def is_student(self) -> bool:
        """True for a student, who has pages of their own."""
        return self.person_id is not None and not self.is_staff and _STUDENT in self.roles

    def may(self, permission: str) -> bool:
        """Return True if the reader's role has the permission."""
        return permission in self.permissions
