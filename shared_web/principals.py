"""Callers: permissions, the scopes and roles that name sets of them, systems and persons."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Permission(StrEnum):
    """Right to one kind of request; each route asks for one."""

    STUDENTS_READ = "students.read"
    STUDENTS_WRITE = "students.write"
    ROSTER_READ = "roster.read"
    ROSTER_WRITE = "roster.write"
    DRAFTS_READ = "drafts.read"
    DRAFTS_WRITE = "drafts.write"
    MARKS_WRITE = "marks.write"
    ACTIONS_READ = "actions.read"
    ACTIONS_WRITE = "actions.write"
    EVENTS_WRITE = "events.write"
    PREDICTIONS_READ = "predictions.read"
    PREDICTIONS_WRITE = "predictions.write"
    FEEDBACK_WRITE = "feedback.write"
    DEMOGRAPHICS = "demographics"
    MERGE = "merge"
    ERASE = "erase"
    EXPORT = "export"
    AUDIT_READ = "audit.read"
    PEOPLE_MANAGE = "people.manage"
    KEYS_MANAGE = "keys.manage"
    SYSTEM_READ = "system.read"
    SYSTEM_WRITE = "system.write"
    LOGS_WRITE = "logs.write"
    LOGS_DELETE = "logs.delete"
    ACT_AS = "act_as"


class Scope(StrEnum):
    """Set of permissions of a key, from the time before there were permissions."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    ADMIN = "admin"


# Only a permission of its own lets a system act for persons.
_EVERYTHING = frozenset(Permission) - {Permission.ACT_AS}
_READ = frozenset(
    {
        Permission.STUDENTS_READ,
        Permission.ROSTER_READ,
        Permission.DRAFTS_READ,
        Permission.ACTIONS_READ,
        Permission.PREDICTIONS_READ,
        Permission.SYSTEM_READ,
    }
)
_WRITE = frozenset(
    {
        Permission.STUDENTS_WRITE,
        Permission.ROSTER_WRITE,
        Permission.DRAFTS_WRITE,
        Permission.MARKS_WRITE,
        Permission.ACTIONS_WRITE,
        Permission.PREDICTIONS_WRITE,
        Permission.FEEDBACK_WRITE,
        Permission.SYSTEM_WRITE,
    }
)
SCOPES = MappingProxyType(
    {
        Scope.READ: _READ,
        Scope.WRITE: _WRITE,
        Scope.INGEST: frozenset({Permission.EVENTS_WRITE, Permission.LOGS_WRITE}),
        Scope.ADMIN: _EVERYTHING,
    }
)

_WORDS: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {permission.value: frozenset({permission}) for permission in Permission}
    | {scope.value: permissions for scope, permissions in SCOPES.items()}
)


def known_permissions(words: str) -> frozenset[Permission]:
    """Return the permissions among the words of a text, those of its scopes included.

    Unknown words are those of a newer release, and ignored.
    """
    return frozenset().union(*(_WORDS.get(word, frozenset()) for word in words.split()))


@dataclass(frozen=True)
class Role:
    """Named set of permissions of persons.

    sees_all: True for every student; False for those that the person teaches, advises or is.
    """

    name: str
    permissions: frozenset[Permission]
    sees_all: bool = False

    @property
    def is_built_in(self) -> bool:
        """Return True for a role of every installation, which cannot be changed."""
        return self.name in BUILT_IN_ROLES


_ADVISOR = frozenset(
    {
        Permission.STUDENTS_READ,
        Permission.ROSTER_READ,
        Permission.DRAFTS_READ,
        Permission.ACTIONS_READ,
        Permission.ACTIONS_WRITE,
        Permission.PREDICTIONS_READ,
        Permission.PREDICTIONS_WRITE,
        Permission.FEEDBACK_WRITE,
    }
)
_STUDENT = frozenset({Permission.STUDENTS_READ, Permission.DRAFTS_READ, Permission.DRAFTS_WRITE})

# Roles of every installation; a school adds its own beside them.
BUILT_IN_ROLES = MappingProxyType(
    {
        role.name: role
        for role in (
            Role("admin", _EVERYTHING, sees_all=True),
            Role(
                "principal",
                _ADVISOR | {Permission.SYSTEM_READ, Permission.EXPORT, Permission.AUDIT_READ},
                sees_all=True,
            ),
            Role("advisor", _ADVISOR),
            Role("teacher", _ADVISOR | {Permission.MARKS_WRITE}),
            Role("student", _STUDENT),
        )
    }
)


@dataclass(frozen=True)
class Person:
    """Human caller, known by a token or by the system that acts for them.

    id: of the member of staff or the student in the roster; None if the roster has nobody of that
    login. roles: names. sees_all: False limits every query to the person's students. through: name
    of the key that acts for the person.
    """

    id: str | None
    roles: tuple[str, ...]
    sees_all: bool = False
    through: str | None = None


@dataclass(frozen=True)
class KeyLimits:
    """Limits of a key in time and in the addresses of its callers.

    expires_at: first instant at which it is refused; None: never. networks: none for callers
    anywhere.
    """

    expires_at: datetime | None = None
    networks: tuple[Network, ...] = ()

    def is_over_at(self, instant: datetime) -> bool:
        """Return True if the key has expired."""
        return self.expires_at is not None and self.expires_at <= instant

    def admits(self, address: str | None) -> bool:
        """Return True if a caller of the address may use the key; an unknown address may not."""
        if not self.networks:
            return True
        try:
            caller = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = caller.ipv4_mapped if isinstance(caller, ipaddress.IPv6Address) else None
        return any((mapped or caller) in network for network in self.networks)

    def includes(self, other: "KeyLimits") -> bool:
        """Return True if a key of the other limits can do nothing beyond these."""
        ends, other_ends = self.expires_at, other.expires_at
        if ends is not None and (other_ends is None or other_ends > ends):
            return False
        if not self.networks:
            return True
        return bool(other.networks) and all(map(self._contains, other.networks))

    def _contains(self, inner: Network) -> bool:
        return any(
            outer.version == inner.version
            and int(outer.network_address) <= int(inner.network_address)
            and int(inner.broadcast_address) <= int(outer.broadcast_address)
            for outer in self.networks
        )


NO_LIMITS = KeyLimits()


@dataclass(frozen=True)
class Principal:
    """Caller: a system with a key, or a person.

    name: of the key, or the person's id (the login if the roster has none); the actor in records.
    limits: of the key; a person has none.
    """

    name: str
    permissions: frozenset[Permission]
    person: Person | None = None
    limits: KeyLimits = NO_LIMITS

    @classmethod
    def of_scopes(cls, name: str, scopes: Iterable[Scope]) -> "Principal":
        """Return the system whose key has these scopes."""
        return cls(name, frozenset().union(*(SCOPES[scope] for scope in scopes)))

    @property
    def unique_name(self) -> str:
        """Name that no other caller has: a person may be called as a key is."""
        # No key's name has a NUL, which PostgreSQL cannot store.
        return self.name if self.person is None else f"\0{self.name}"

    @property
    def log_name(self) -> str:
        """Name for logs, which name no person."""
        if self.person is None:
            return self.name
        return f"{self.person.through or 'token'} for a person"

    def may(self, permission: Permission) -> bool:
        """Return True if the caller has the permission."""
        return permission in self.permissions
