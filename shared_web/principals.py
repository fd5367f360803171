"""Callers of the services, and the scopes that allow them to call a route."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Permission of a key; `admin` includes the others."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    ADMIN = "admin"


@dataclass(frozen=True)
class Principal:
    """Caller; its name is the name of the key, and the actor in logs and records."""

    name: str
    scopes: frozenset[Scope]

    def has_scope(self, scope: Scope) -> bool:
        """Return True if the scope, or `admin`, is among the caller's."""
        return scope in self.scopes or Scope.ADMIN in self.scopes
