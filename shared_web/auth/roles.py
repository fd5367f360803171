"""Roles of persons: the built-in ones and those of the table, which are cached."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import Conflict, Invalid, NeedsPostgresql, NotFound
from shared_db.repository import Repository
from shared_db.row_limits import rows_limited_to
from shared_web.auth.tables import StoredRole
from shared_web.principals import BUILT_IN_ROLES, Permission, Role, known_permissions

# A name stands in settings and lists, where commas, colons and spaces separate names.
ROLE_NAME = r"[a-z][a-z0-9_-]{0,49}"

T = TypeVar("T")

_NO_ROLES: Mapping[str, Role] = MappingProxyType({})


class RoleBuiltIn(Conflict):
    """A built-in role can be neither replaced nor deleted."""

    slug = "role-built-in"
    title = "The role is built in"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The role {name} is built in and cannot be changed. Store one under another name."
        )


class RoleNotFound(NotFound):
    """No role has the name."""

    slug = "role-not-found"
    title = "There is no such role"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no role named {name}. `veritas roles list` shows all.")


class RoleManager(Repository):
    """Queries on the roles.

    cache_seconds: time for which the roles of the table are kept in memory.
    """

    def __init__(self, database: Database, cache_seconds: float = 0) -> None:
        super().__init__(database)
        self.cache_seconds = cache_seconds
        self._cache: tuple[float, Mapping[str, Role]] = (float("-inf"), _NO_ROLES)

    def find(self, name: str) -> Role | None:
        """Return the role of the name, built-in or stored, or None.

        A change in another process is seen after at most `cache_seconds`. The in-memory store has
        the built-in roles alone.

        Raises:
            DatabaseUnavailable: the database does not answer, and the cache is too old.
            DatabaseBusy: a time-out, or no connection left.

        """
        return BUILT_IN_ROLES.get(name) or self._stored().get(name)

    def list_roles(self) -> Sequence[Role]:
        """Return all roles: the built-in ones, then the stored ones by name.

        Raises:
            ServiceError: as `find`.

        """
        stored = self._read_all()
        return [*BUILT_IN_ROLES.values(), *(stored[name] for name in sorted(stored))]

    def get_role(self, name: str) -> Role:
        """Return the role of the name as `find` does.

        Raises:
            RoleNotFound: no role has the name.
            ServiceError: as `find`.

        """
        role = self.find(name)
        if role is None:
            raise RoleNotFound(name)
        return role

    def put_role(
        self, name: str, permissions: Iterable[Permission], *, sees_all: bool = False
    ) -> tuple[Role, bool]:
        """Insert or replace a role; return it, and True if it is new.

        name: 1 to 50 lower-case letters, digits, `_` and `-`, beginning with a letter.

        Raises:
            RoleBuiltIn: the name is that of a built-in role.
            Invalid: the name is malformed, or there is no permission.
            NeedsPostgresql: the in-memory store answers.

        """
        role = Role(name, frozenset(permissions), sees_all)
        self._require_changeable(name)
        if re.fullmatch(ROLE_NAME, name) is None:
            raise Invalid(
                "The name of a role has 1 to 50 lower-case letters, digits, _ and -, and begins "
                "with a letter.",
                field="name",
            )
        if not role.permissions:
            raise Invalid("A role needs at least one permission.", field="permissions")

        def put(session: Session) -> bool:
            now = utc_now()
            values = {
                "permissions": " ".join(sorted(role.permissions)),
                "sees_all": role.sees_all,
                "updated_at": now,
            }
            query = insert(StoredRole).values(name=name, created_at=now, **values)
            query = query.on_conflict_do_update(index_elements=["name"], set_=values)
            return session.scalar(query.returning(StoredRole.created_at)) == now

        is_new = self.write(put)
        self._forget()
        return role, is_new

    def delete_role(self, name: str) -> None:
        """Delete a stored role; persons who have it alone have no permission from then on.

        Raises:
            RoleBuiltIn: the name is that of a built-in role.
            RoleNotFound: no role has the name.
            NeedsPostgresql: the in-memory store answers.

        """
        self._require_changeable(name)

        def remove(session: Session) -> None:
            query = delete(StoredRole).where(StoredRole.name == name)
            if session.scalar(query.returning(StoredRole.name)) is None:
                raise RoleNotFound(name)

        self.write(remove)
        self._forget()

    def read(self, query: Callable[[Session], T]) -> T:
        """Run `query` as `Repository.read` does; no row of a role is of a student."""
        with rows_limited_to(None):
            return super().read(query)

    def write(
        self,
        change: Callable[[Session], T],
        *,
        wait_for_disk: bool = True,
        of: Collection[str] | None = None,
    ) -> T:
        """Run `change` as `Repository.write` does; no row of a role is of a student."""
        with rows_limited_to(None):
            return super().write(change, wait_for_disk=wait_for_disk, of=of)

    def _require_changeable(self, name: str) -> None:
        if name in BUILT_IN_ROLES:
            raise RoleBuiltIn(name)
        if self.use_fallback:
            raise NeedsPostgresql("The in-memory store has the built-in roles alone.")

    def _stored(self) -> Mapping[str, Role]:
        read_at, roles = self._cache
        if time.monotonic() - read_at < self.cache_seconds:
            return roles
        return self._read_all()

    def _read_all(self) -> Mapping[str, Role]:
        if self.use_fallback:
            return _NO_ROLES
        began = time.monotonic()
        rows = self.read(lambda session: session.scalars(select(StoredRole)).all())
        roles = {
            row.name: Role(row.name, known_permissions(row.permissions), row.sees_all)
            for row in rows
        }
        self._cache = (began, MappingProxyType(roles))
        return roles

    def _forget(self) -> None:
        self._cache = (float("-inf"), _NO_ROLES)
