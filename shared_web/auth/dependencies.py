"""Dependencies that turn a bearer key or token into a `Principal` and check its permission."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import (
    ConfigurationError,
    DatabaseBusy,
    DatabaseUnavailable,
    NeedsPostgresql,
)
from shared_db.row_limits import RowLimit, limit_rows
from shared_web.auth.key_limit import KeyLimit
from shared_web.auth.key_lookup import KeyLookup
from shared_web.auth.key_uses import KeyUses
from shared_web.auth.keys import KeyManager
from shared_web.auth.origins import require_local_caller
from shared_web.auth.persons import PersonLookup
from shared_web.auth.roles import RoleManager
from shared_web.auth.tokens.logins import ON_BEHALF_OF, person_named
from shared_web.auth.tokens.verifier import TokenVerifier, is_token
from shared_web.auth.validity.revoked_keys import RevokedKeys
from shared_web.principals import Permission, Person, Principal
from shared_web.problems import Forbidden, Unauthenticated
from shared_web.settings import ServiceSettings
from shared_web.shared_cache import SharedCache

# Everything: a developer looks at the pages as a person, too.
DEVELOPER = Principal("development", frozenset(Permission))

_bearer = HTTPBearer(
    auto_error=False, description="A key made with `veritas keys add`, or a token."
)


class Authenticator:
    """Authentication of one app: by keys and tokens, or none for local callers in development."""

    def __init__(
        self,
        settings: ServiceSettings,
        keys: KeyManager,
        uses: KeyUses,
        roles: RoleManager,
        persons: PersonLookup,
        cache: SharedCache | None = None,
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.roles = roles
        self._uses = uses
        self.is_open = False
        self._lookup = KeyLookup(keys, cache)
        self._tokens = TokenVerifier(settings, settings.key_cache_seconds)
        self._persons = persons
        self._limit = KeyLimit.of(settings, cache)
        self._revoked = RevokedKeys(settings.spool_path)

    def prepare(self, database: Database) -> None:
        """Decide at the start if keys are required; the in-memory store has none.

        Raises:
            ConfigurationError: there are neither keys nor an issuer of tokens, and this is not
                development on loopback; or OIDC_ROLES names a role that does not exist.

        """
        may_be_open = self.settings.may_be_keyless
        if database.use_fallback and not may_be_open:
            raise ConfigurationError(
                "DATABASE_URL is not set, and rows kept in memory are for development only. Set "
                "DATABASE_URL, or ENVIRONMENT=development on a loopback HOST."
            )
        try:
            has_keys = not database.use_fallback and self.keys.has_keys()
        except (DatabaseUnavailable, DatabaseBusy):
            has_keys = True  # unknown now, so a key is required
        needs_caller = has_keys or (self._tokens.is_on and not database.use_fallback)
        if not needs_caller and not may_be_open:
            raise ConfigurationError(
                "There is no API key yet, so nobody could call this service. Make one with "
                "`veritas keys add NAME --scope read --scope write --scope ingest`; only with "
                "ENVIRONMENT=development on a loopback HOST does it start without."
            )
        self.is_open = not needs_caller
        self._persons.require_roles(self.settings.oidc_roles.values())

    async def principal(self, request: Request, bearer: str | None) -> Principal:
        """Return the caller.

        bearer: the key or token that was sent.

        Raises:
            Unauthenticated: the key is absent, unknown, revoked or expired, or the token is not
                valid.
            Forbidden: the key is for other addresses; no key is required, but the request does not
                come from this machine; or the person, or the system that acts for a person, may not
                call.
            InvalidRequest: the header that names a person is repeated or empty.
            TooManyRequests: the caller has no requests left, or the address sent too many unknown
                keys.

        """
        if bearer is not None and self._tokens.is_on and is_token(bearer):
            found = await self._person_of_token(request, bearer)
        elif self.is_open:
            require_local_caller(request, self.settings)
            return await self._on_behalf(request, DEVELOPER)
        else:
            found = await self._on_behalf(request, await self._holder_of_key(request, bearer))
        if self._limit is not None:
            await self._limit.count(request.scope, found.unique_name)
        return found

    async def find_person(self, login: str) -> Principal:
        """Return the person of a login, whose sign-in another system has verified.

        Raises:
            Forbidden, NeedsPostgresql: see `PersonLookup.find`.

        """
        return await self._persons.find(login)

    async def _holder_of_key(self, request: Request, key: str | None) -> Principal:
        if key is None:
            wanted = "KEY_OR_TOKEN" if self._tokens.is_on else "KEY"
            raise Unauthenticated(f"Send `Authorization: Bearer {wanted}`.")
        found = self.keys.cached(key)
        if found is None:
            found = await self._lookup.find(key, _address(request))
        if found is None:
            raise Unauthenticated("This key is not known, or was revoked.")
        self._require_in_force(found, _address(request))
        self._uses.note(found.name)
        return found

    def _require_in_force(self, caller: Principal, address: str | None) -> None:
        if self._revoked.has(caller.name):
            raise Unauthenticated("This key was revoked.")
        expires_at = caller.limits.expires_at
        if expires_at is not None and caller.limits.is_over_at(utc_now()):
            raise Unauthenticated(
                f"This key expired at {expires_at:%Y-%m-%d %H:%M} UTC. Ask for another one: "
                "`veritas keys add`."
            )
        if not caller.limits.admits(address):
            raise Forbidden(
                "This key is for callers of other addresses. Send it from one of those, or ask for "
                "another key."
            )

    async def _person_of_token(self, request: Request, token: str) -> Principal:
        self._persons.require_row_limits()
        if ON_BEHALF_OF in request.headers:
            raise Forbidden(f"A token is its person's own: send no `{ON_BEHALF_OF}` with it.")
        try:
            signed_in = await self._tokens.verify(token)
        except Unauthenticated:
            await self._lookup.count_failure(_address(request))
            raise
        return await self._persons.find(signed_in.login, signed_in.roles)

    async def _on_behalf(self, request: Request, system: Principal) -> Principal:
        login = person_named(request.headers)
        if login is None:
            return system
        if not system.may(Permission.ACT_AS):
            raise Forbidden(
                f"`{ON_BEHALF_OF}` needs a key with the permission `{Permission.ACT_AS}`, which "
                f"{system.name} lacks. Make one with `veritas keys add NAME --permission "
                f"{Permission.ACT_AS}`."
            )
        return await self._persons.find_for(login, system)


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


class RequirePermission:
    """Dependency that admits callers with one permission; without one, every known caller.

    own: path parameter with the id of a person who is admitted without the permission. or_sees_all:
    True to admit persons who see every student as well.
    """

    def __init__(
        self, permission: Permission | None, own: str | None = None, *, or_sees_all: bool = False
    ) -> None:
        self.permission = permission
        self._own = own
        self._or_sees_all = or_sees_all

    async def __call__(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],  # noqa: ARG002 - documents the key
    ) -> Principal:
        """Return the caller, see `admit`."""
        return await self.admit(request)

    async def admit(self, request: Request) -> Principal:
        """Return the caller; `AdmittedRoute` calls this before FastAPI resolves dependencies.

        Raises:
            Unauthenticated, TooManyRequests: see `Authenticator.principal`.
            Forbidden: the caller lacks the permission, or no key is required but the caller is
                not local.

        """
        state: dict[str, Any] = request.scope.setdefault("state", {})
        principal: Principal | None = state.get("principal")
        if principal is None:  # else the route has called this before
            authenticator: Authenticator = request.app.state.authenticator
            principal = await authenticator.principal(request, _sent_bearer(request))
            state["principal"] = principal
            limit_rows(_row_limit(principal))
        if self.permission is not None and not (
            principal.may(self.permission) or self._admits(request, principal.person)
        ):
            raise Forbidden(
                f"This needs the permission `{self.permission}`, which {principal.name} lacks. "
                "Use a key or a role that has it."
            )
        return principal

    def _admits(self, request: Request, person: Person | None) -> bool:
        if person is None:
            return False
        is_own = self._own is not None and person.id == request.path_params[self._own]
        return is_own or (self._or_sees_all and person.sees_all)


def needs(permission: Permission, *, own: str | None = None, or_sees_all: bool = False) -> Any:
    """Return the dependency of a route on a caller with the permission.

    It stands among a route's `dependencies`, or in the annotation of the caller:
    `principal: Annotated[Principal, needs(Permission.MARKS_WRITE)]`.

    own, or_sees_all: as in `RequirePermission`.
    """
    return Depends(RequirePermission(permission, own, or_sees_all=or_sees_all))


# Any caller, whatever they may do.
Caller = Annotated[Principal, Depends(RequirePermission(None))]


# async, so that it does not use a worker thread
async def _keys(request: Request) -> KeyManager:
    authenticator: Authenticator = request.app.state.authenticator
    if authenticator.keys.use_fallback:
        raise NeedsPostgresql("The in-memory store has no keys. Set DATABASE_URL to have some.")
    return authenticator.keys


async def _roles(request: Request) -> RoleManager:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator.roles


Keys = Annotated[KeyManager, Depends(_keys)]
Roles = Annotated[RoleManager, Depends(_roles)]


def _row_limit(principal: Principal) -> RowLimit | None:
    if principal.person is None or principal.person.sees_all:
        return None
    return RowLimit(principal.person.id or "")


def _sent_bearer(request: Request) -> str | None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() or None if scheme.lower() == "bearer" else None
