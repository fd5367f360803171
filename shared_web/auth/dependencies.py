"""Dependencies that turn a bearer key into a `Principal` and check its permission."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared_db.connection.database import Database
from shared_db.connection.engine import is_local
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
from shared_web.auth.origins import is_from_foreign_page
from shared_web.auth.roles import RoleManager
from shared_web.principals import Permission, Principal, Scope
from shared_web.problems import Forbidden, Unauthenticated
from shared_web.settings import ServiceSettings

DEVELOPER = Principal.of_scopes("development", Scope)

# Headers in which a proxy names its client, besides `Forwarded`.
_FORWARDED = ("x-forwarded-for", "x-real-ip")

_bearer = HTTPBearer(auto_error=False, description="A key made with `veritas keys add`.")


class Authenticator:
    """Authentication of one app: by keys, or none for local callers in development."""

    def __init__(
        self, settings: ServiceSettings, keys: KeyManager, uses: KeyUses, roles: RoleManager
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.roles = roles
        self._uses = uses
        self.is_open = False
        self._lookup = KeyLookup(keys)
        self._limit = KeyLimit.of(settings)

    def prepare(self, database: Database) -> None:
        """Decide at the start if keys are required; the in-memory store has none.

        Raises:
            ConfigurationError: there are no keys, and this is not development on loopback.

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
        if not has_keys and not may_be_open:
            raise ConfigurationError(
                "There is no API key yet, so nobody could call this service. Make one with "
                "`veritas keys add NAME --scope read --scope write --scope ingest`; only with "
                "ENVIRONMENT=development on a loopback HOST does it start without."
            )
        self.is_open = not has_keys

    async def principal(self, request: Request, key: str | None) -> Principal:
        """Return the caller.

        Raises:
            Unauthenticated: the key is absent, unknown or revoked.
            Forbidden: no key is required, but the request does not come from this machine.
            TooManyRequests: the key has no requests left, or its address sent too many unknown
                keys.

        """
        if self.is_open:
            return _require_local_caller(request, self.settings)
        if key is None:
            raise Unauthenticated("Send `Authorization: Bearer KEY`.")
        found = self.keys.cached(key)
        if found is None:
            found = await self._lookup.find(key, request.client.host if request.client else None)
        if found is None:
            raise Unauthenticated("This key is not known, or was revoked.")
        self._uses.note(found.name)
        if self._limit is not None:
            self._limit.count(request.scope, found.name)
        return found


def _require_local_caller(request: Request, settings: ServiceSettings) -> Principal:
    # A page in the developer's browser may reach loopback under another name (DNS rebinding), which
    # the Host header shows. A proxy on this machine forwards requests of others. In a container the
    # client's address is the engine's gateway.
    client = request.client.host if request.client else None
    behind = [name for header in _FORWARDED for name in request.headers.getlist(header)]
    callers = [*",".join(behind).split(","), *([] if settings.keyless_hosts else [client])]
    host = request.url.hostname
    is_forwarded = "forwarded" in request.headers
    is_here = all(is_local(caller and caller.strip()) for caller in callers) and not is_forwarded
    if not is_here or not (is_local(host) or host in settings.keyless_hosts):
        raise Forbidden("Without keys this service answers only to this machine, as localhost.")
    if is_from_foreign_page(request.headers, settings.cors_origins):
        raise Forbidden(
            "Without keys this service answers no page of another site. Name the page's origin in "
            "CORS_ORIGINS, or open the page from localhost."
        )
    return DEVELOPER


class RequirePermission:
    """Dependency that admits callers with one permission; without one, every known caller."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

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
            principal = await authenticator.principal(request, _sent_key(request))
            state["principal"] = principal
            limit_rows(_row_limit(principal))
        if self.permission is not None and not principal.may(self.permission):
            raise Forbidden(
                f"This needs the permission `{self.permission}`, which {principal.name} lacks. "
                "Use a key or a role that has it."
            )
        return principal


def needs(permission: Permission) -> Any:
    """Return the dependency of a route on a caller with the permission.

    It stands among a route's `dependencies`, or in the annotation of the caller:
    `principal: Annotated[Principal, needs(Permission.MARKS_WRITE)]`.
    """
    return Depends(RequirePermission(permission))


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


def _sent_key(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None
