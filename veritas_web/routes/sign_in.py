"""Sign-in by the school's provider or by an invitation, and sign-out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from veritas_web.dependencies import CurrentApp, CurrentServices, CurrentViewer, Parts, caller_for
from veritas_web.errors import PageNotFound, ServiceAway, SignInRefused
from veritas_web.pages import page
from veritas_web.routes.places import own_place
from veritas_web.services.rest import Answer, Refused, Result
from veritas_web.sessions.cookies import Session
from veritas_web.settings import CALLBACK_PATH, INVITATION_PATH

router = APIRouter()

_SEE_OTHER = 303
_LONGEST_TOKEN = 100
_START = "/"


@router.get("/sign-in")
async def get_sign_in(request: Request, parts: CurrentApp, next: str = _START) -> Response:  # noqa: A002 - the name in the address
    """Return the page with the ways to sign in; a developer without keys needs none."""
    if parts.settings.is_open:
        return RedirectResponse(_START, _SEE_OTHER)
    context = {"has_provider": parts.provider is not None, "next": own_place(next)}
    return page(request, "sign_in.html", context)


# A link and no form: browsers apply the page's `form-action` to the redirect of a form, too.
@router.get("/sign-in/provider")
async def begin_sign_in(request: Request, parts: CurrentApp, next: str = _START) -> Response:  # noqa: A002 - as above
    """Go to the provider."""
    if parts.provider is None:
        raise PageNotFound
    kept: dict[str, object] = {}
    redirect = await parts.provider.begin(request, kept)
    redirect.status_code = _SEE_OTHER
    parts.cookies.sign_in.write(redirect, {"kept": kept, "next": own_place(next)})
    return redirect


@router.get(CALLBACK_PATH)
async def finish_sign_in(request: Request, parts: CurrentApp) -> Response:
    """Begin a session for the person of the provider's answer."""
    if parts.provider is None:
        raise PageNotFound
    begun = parts.cookies.sign_in.read(request)
    if not isinstance(begun, dict):
        raise SignInRefused("This sign-in was not begun in this browser, or too long ago.")
    login = await parts.provider.finish(request, begun["kept"])
    found = await parts.clients.of(caller_for(parts, None)).sign_ins.find(login)
    response = _begun(parts, found, str(begun["next"]))
    parts.cookies.sign_in.delete(response)
    return response


@router.get(INVITATION_PATH)
async def get_invitation(request: Request, token: str = "") -> Response:
    """Return the page with a button, since a scanner of mails follows the link, too."""
    return page(request, "invitation.html", {"token": token[:_LONGEST_TOKEN]})


@router.post(INVITATION_PATH)
async def redeem_invitation(parts: CurrentApp, token: Annotated[str, Form()]) -> Response:
    """Use up an invitation, and begin a session of its person."""
    found = await parts.clients.of(caller_for(parts, None)).sign_ins.redeem(token)
    return _begun(parts, found, _START)


@router.post("/sign-out")
async def sign_out(
    parts: CurrentApp,
    viewer: CurrentViewer,
    services: CurrentServices,
    everywhere: Annotated[bool, Form()] = False,  # noqa: FBT002 - of a form
) -> Response:
    """End the session, or all sessions of the person."""
    response = RedirectResponse("/sign-in", _SEE_OTHER)
    if everywhere and viewer.person_id is not None and not viewer.acting:
        ended = await services.sign_ins.end_all(viewer.person_id)
        if not isinstance(ended, Answer):
            raise ServiceAway
        parts.people.forget(viewer.person_id)
    parts.cookies.end(response)
    return response


def _begun(parts: Parts, found: Result, place: str) -> Response:
    """Return the redirect to a page, with the session of the person found.

    Raises:
        SignInRefused, ServiceAway: nobody was found, or nobody could be asked.

    """
    if isinstance(found, Refused):
        raise SignInRefused(found.detail)
    if not isinstance(found, Answer):
        raise ServiceAway
    person_id, revision = str(found.data["person_id"]), int(found.data["session_revision"])
    parts.people.forget(person_id)
    response = RedirectResponse(own_place(place), _SEE_OTHER)
    parts.cookies.begin(response, Session(person_id, revision))
    return response
