"""Reader of the pages, as the services know them."""

from dataclasses import dataclass, field


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

    def may(self, permission: str) -> bool:
        """Return True if the reader's role has the permission."""
        return permission in self.permissions
