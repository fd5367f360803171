"""Keys of systems: their list, a new one that is shown once, and revocations."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response

from shared_db.clock import utc_now
from shared_web.principals import Permission
from veritas_web.dependencies import CurrentApp, CurrentServices, CurrentViewer, allowed
from veritas_web.domain.rights.forms import KeyForm
from veritas_web.domain.rights.permission_words import PERMISSIONS, SCOPES
from veritas_web.pages import page
from veritas_web.routes.rights.outcomes import INVALID, Refusal, refusal_of, see
from veritas_web.services.rest import Answer
from veritas_web.services.results import required
from veritas_web.viewer import Viewer

router = APIRouter(dependencies=[allowed(Permission.KEYS_MANAGE)])

_PATH = "/keys"

Name = Annotated[str, Form(max_length=500)]
Chosen = Annotated[list[str], Form(max_length=100)]
Day = Annotated[str, Form(max_length=20)]
Addresses = Annotated[str, Form(max_length=6000)]


@router.get("/keys")
async def list_keys(request: Request, services: CurrentServices) -> Response:
    """Return all keys, those in force first."""
    found = required(await services.access.keys())
    now = utc_now().isoformat()
    keys = sorted(found["items"], key=lambda one: _is_over(one, now)) if found else None
    context = {"keys": keys, "over": {one["name"] for one in keys or [] if _is_over(one, now)}}
    return page(request, "rights/keys.html", context | _words())


@router.get("/new-key")
async def get_new_key(request: Request, viewer: CurrentViewer) -> Response:
    """Return the form of a new key."""
    return _form(request, viewer, KeyForm())


@router.post("/new-key")
async def add_key(
    request: Request,
    services: CurrentServices,
    viewer: CurrentViewer,
    parts: CurrentApp,
    name: Name = "",
    scopes: Chosen = [],  # noqa: B006 - FastAPI copies it
    permissions: Chosen = [],  # noqa: B006 - FastAPI copies it
    last_day: Day = "",
    addresses: Addresses = "",
) -> Response:
    """Make a key, and show it on this answer alone."""
    zone = ZoneInfo(parts.settings.school_timezone)
    form = KeyForm(
        name.strip(), frozenset(scopes), frozenset(permissions), last_day, addresses.strip()
    )
    if problems := form.problems(utc_now().astimezone(zone).date()):
        return _form(request, viewer, form, problems=problems)
    result = await services.access.add_key(form.body(zone))
    if not isinstance(result, Answer):
        return _form(request, viewer, form, refusal=refusal_of(result))
    return page(request, "rights/key_made.html", {"made": result.data})


@router.get("/keys/{name}/revoke")
async def get_revocation(request: Request, name: str) -> Response:
    """Return the question before a key is revoked."""
    return page(request, "rights/revoke_key.html", {"name": name, "refusal": None})


@router.post("/keys/{name}/revoke")
async def revoke_key(request: Request, services: CurrentServices, name: str) -> Response:
    """Revoke a key for good; again, it changes nothing."""
    refusal = refusal_of(await services.access.revoke_key(name))
    if refusal is None:
        return see(_PATH)
    context = {"name": name, "refusal": refusal}
    return page(request, "rights/revoke_key.html", context, refusal.status)


def _form(
    request: Request,
    viewer: Viewer,
    form: KeyForm,
    *,
    problems: dict[str, str] | None = None,
    refusal: Refusal | None = None,
) -> Response:
    context = {
        "form": form,
        # Nobody gives more than they have.
        "offered": [one for one in PERMISSIONS if viewer.may(one) or one in form.permissions],
        "problems": problems or {},
        "refusal": refusal,
    }
    status = refusal.status if refusal else INVALID if problems else 200
    return page(request, "rights/new_key.html", context | _words(), status)


def _is_over(key: dict[str, Any], now: str) -> bool:
    return key["revoked_at"] is not None or (key["expires_at"] or "9999") <= now


def _words() -> dict[str, Any]:
    return {"permission_words": PERMISSIONS, "scope_words": SCOPES}
