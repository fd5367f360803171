"""Choice of the language, kept in a cookie."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from veritas_web.languages import COOKIE, LANGUAGES
from veritas_web.routes.places import own_place

router = APIRouter()

_SEE_OTHER = 303
_YEAR_SECONDS = 365 * 86_400


@router.post("/language")
async def choose_language(
    request: Request, language: Annotated[str, Form()], place: Annotated[str, Form()] = "/"
) -> Response:
    """Keep the language, and return to the page."""
    response = RedirectResponse(own_place(place), _SEE_OTHER)
    if language in LANGUAGES:
        response.set_cookie(
            COOKIE,
            language,
            max_age=_YEAR_SECONDS,
            samesite="lax",
            httponly=True,
            secure=request.url.scheme == "https",
        )
    return response
