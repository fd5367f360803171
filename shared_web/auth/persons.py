"""Persons who call: their look-up in the roster, and their roles."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy import Row, text

from shared_db.connection.database import Database
from shared_db.errors import (
    ConfigurationError,
    DatabaseBusy,
    DatabaseUnavailable,
    NeedsPostgresql,
)
from shared_db.resilience.deadlines import time_limit
from shared_web.principals import BUILT_IN_ROLES, Person, Principal, Role
from shared_web.problems import Forbidden
from shared_web.threads import ReservedThreads, SharedRuns

RoleFinder = Callable[[str], Role | None]

_FIND = text(
    "SELECT person_id, kind, staff_role, role, is_revoked FROM staffstuddash.find_person(:login)"
)
_STUDENT = "student"
# Roles by those of the roster. The systems that write the roster must not make principals.
DEFAULT_ROLES = MappingProxyType(
    {
        "teacher": "teacher",
        "aide": "teacher",
        "advisor": "advisor",
        "principal": "advisor",
        "administrator": "advisor",
    }
)
_THREADS = 4
_MAX_CACHED = 10_000

_REVOKED = (
    "The access of this person was revoked. An administrator gives a role again with "
    "`veritas people set-role ID ROLE`."
)
_AMBIGUOUS = (
    "Several persons of the roster have this login, or a student and a member of staff have the "
    "same id. An administrator corrects the addresses, user names, accounts or ids."
)
_NO_ROLE = (
    "This person has no role that Veritas knows. An administrator gives one with "
    "`veritas people set-role ID ROLE`."
)
_NOBODY = (
    "The roster has nobody of this login: no e-mail address, user name, account or id equals it. "
    "`veritas people list` shows the staff. An administrator stores the person in the roster, or "
    "names a role of the token in OIDC_ROLES."
)


def require_row_limits(database: Database) -> None:
    """Return if the store can limit a person to the rows of their students.

    Raises:
        NeedsPostgresql: it cannot.

    """
    if database.use_fallback:
        raise NeedsPostgresql(
            "Rows in memory cannot be limited to the students of a person. Set DATABASE_URL, or "
            "send a key."
        )


@dataclass(frozen=True)
class _Known:
    """Outcome of a look-up: the caller, or the refusal; found_at: on the monotonic clock."""

    outcome: Principal | Forbidden
    found_at: float

    @property
    def principal(self) -> Principal:
        """The caller.

        Raises:
            Forbidden: the person may not call.

        """
        if isinstance(self.outcome, Forbidden):
            raise Forbidden(self.outcome.detail)
        return self.outcome


class PersonLookup:
    """Look-ups of persons in one process; one query serves many requests.

    find_role: returns the role of a name, perhaps by a query. cache_seconds: time for which a
    person is not looked up again. outage_seconds: the same while the database is unavailable.
    """

    def __init__(
        self,
        database: Database,
        find_role: RoleFinder,
        *,
        cache_seconds: float,
        outage_seconds: float,
    ) -> None:
        self._database = database
        self._find_role = find_role
        self._cache_seconds = cache_seconds
        self._outage_seconds = outage_seconds
        self._cache: dict[tuple[str, ...], _Known] = {}
        self._threads = ReservedThreads(_THREADS)
        self._runs = SharedRuns(self._threads)

    def require_row_limits(self) -> None:
        """Return if the store can limit persons to their rows, see `require_row_limits`."""
        require_row_limits(self._database)

    def require_roles(self, names: Collection[str]) -> None:
        """Check at the start that the roles exist; while the database is away, only built-in ones.

        Raises:
            ConfigurationError: OIDC_ROLES names a role that does not exist.

        """
        if self._database.use_fallback:
            return
        for name in names:
            try:
                is_known = name in BUILT_IN_ROLES or self._find_role(name) is not None
            except (DatabaseUnavailable, DatabaseBusy):
                continue  # persons of a role that does not exist are refused
            if not is_known:
                raise ConfigurationError(
                    f"OIDC_ROLES names the role {name}, which does not exist. Name one of "
                    f"{', '.join(BUILT_IN_ROLES)}, or a role of your own."
                )

    async def find(self, login: str, roles: tuple[str, ...] = ()) -> Principal:
        """Return the person of a login.

        roles: names of the roles by the token; they come before those of the roster.

        Raises:
            Forbidden: the person has no role or several rows, or the access was revoked.
            NeedsPostgresql, RowLimitsUnavailable: the store cannot limit rows.
            DatabaseUnavailable: the database does not answer, and the person was not looked up.

        """
        require_row_limits(self._database)
        asked = (login, *roles)
        known = self._cache.get(asked)
        if known is None or time.monotonic() - known.found_at >= self._cache_seconds:
            known = await self._run(asked, lambda: self._look_up(asked, known))
        return known.principal

    async def find_for(self, login: str, key: Principal) -> Principal:
        """Return the person for whom the system of the key acts.

        Raises:
            Forbidden: the roster has nobody of that login, or as `find`.

        """
        found = await self.find(login)
        # Without roles of a token, everybody found is in the roster.
        return replace(found, person=found.person and replace(found.person, through=key.name))

    async def _run(self, asked: tuple[str, ...], look_up: Callable[[], _Known]) -> _Known:
        if not self._cache_seconds:  # one query per request is promised
            return await self._threads.run(look_up)
        return await self._runs.run("\n".join(asked), look_up)  # a login has no line break

    def _look_up(self, asked: tuple[str, ...], known: _Known | None) -> _Known:
        now = time.monotonic()
        may_wait = known is None or now - known.found_at > self._outage_seconds
        limit = nullcontext() if may_wait else time_limit(self._database.store.adding_seconds)
        try:
            with limit:
                found = _Known(self._outcome(*asked), now)
        except (DatabaseUnavailable, DatabaseBusy):
            if known is None or may_wait:
                raise
            return known
        self._cache.pop(asked, None)
        while len(self._cache) >= _MAX_CACHED:
            self._cache.pop(next(iter(self._cache)), None)
        self._cache[asked] = found
        return found

    def _outcome(self, login: str, *roles: str) -> Principal | Forbidden:
        self._database.require_row_limits()
        with self._database.reading() as session:
            rows = session.execute(_FIND, {"login": login}).all()
        try:
            return self._principal(login, roles, rows)
        except Forbidden as refusal:
            return refusal

    def _principal(
        self, login: str, roles: Sequence[str], rows: Sequence[Row[tuple[object, ...]]]
    ) -> Principal:
        if len(rows) > 1:
            raise Forbidden(_AMBIGUOUS)
        row = rows[0] if rows else None
        if row is not None and row.is_revoked:
            raise Forbidden(_REVOKED)
        names = tuple(roles) or (() if row is None else _role_names(row))
        known = [role for role in map(self._find_role, names) if role is not None]
        if not known:
            raise Forbidden(_NOBODY if row is None else _NO_ROLE)
        id_ = None if row is None else row.person_id
        sees_all = any(role.sees_all for role in known)
        person = Person(id_, tuple(role.name for role in known), sees_all)
        permissions = frozenset().union(*(role.permissions for role in known))
        return Principal(id_ or login, permissions, person)


def default_role(staff_role: str) -> str | None:
    """Return the role of a member of staff who was given none, or None if there is none."""
    return DEFAULT_ROLES.get(staff_role)


def _role_names(row: Row[tuple[object, ...]]) -> tuple[str, ...]:
    if row.role is not None:
        return (row.role,)
    if row.kind == _STUDENT:
        return (_STUDENT,)
    name = default_role(row.staff_role)
    return () if name is None else (name,)
