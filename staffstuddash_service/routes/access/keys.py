"""Routes of API keys."""

from typing import Annotated

from fastapi import APIRouter

from shared_db.clock import utc_now
from shared_db.errors import Invalid, NeedsPostgresql
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Keys, needs
from shared_web.auth.granting import require_grantable, require_sight_of_all
from shared_web.auth.keys import KeyExists, KeyNotFound
from shared_web.auth.validity.key_limits import (
    checked_limits,
    network,
    require_limits_within,
)
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.wire.compression import UNCOMPRESSED
from staffstuddash_service.routes.path_parameters import AccessName
from staffstuddash_service.schemas.access import KeyOut, KeysOut, NewKey, NewKeyOut

router = APIRouter(prefix="/keys", tags=["access"], route_class=AdmittedRoute)

MANAGE = needs(Permission.KEYS_MANAGE)


@router.get("", dependencies=[MANAGE], responses=documented(NeedsPostgresql))
def list_keys(keys: Keys) -> KeysOut:
    """Return all keys by name, the revoked ones included; never the keys themselves."""
    return KeysOut(items=[KeyOut.model_validate(key) for key in keys.list_keys()])


@router.post(
    "",
    dependencies=[UNCOMPRESSED],
    status_code=201,
    responses=documented(KeyExists, NeedsPostgresql, Invalid),
)
def add_key(new: NewKey, keys: Keys, principal: Annotated[Principal, MANAGE]) -> NewKeyOut:
    """Make a key and show it, only this once; it gets only permissions of the caller."""
    require_grantable(principal, new.granted_permissions, sees_all=True)
    limits = checked_limits(new.expires_at, map(network, new.addresses), utc_now())
    require_limits_within(principal, limits)
    issued, key = keys.issue(new.name, new.granted, limits)
    return NewKeyOut(**KeyOut.model_validate(issued).model_dump(), key=key)


@router.delete("/{name}", responses=documented(KeyNotFound, NeedsPostgresql))
def revoke_key(name: AccessName, keys: Keys, principal: Annotated[Principal, MANAGE]) -> KeyOut:
    """Revoke a key for good; other processes refuse it within KEY_CACHE_SECONDS."""
    require_sight_of_all(principal)
    return KeyOut.model_validate(keys.revoke_key(name))
