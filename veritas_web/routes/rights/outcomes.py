"""Outcome of a change for the page that follows: done, or the refusal in plain words."""

from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import RedirectResponse

from veritas_web.domain.rights.refusals import AWAY, refusal_words
from veritas_web.services.rest import Answer, Away, Refused, Result

SEE_OTHER = 303
INVALID, CONFLICT, UNAVAILABLE = 422, 409, 503
_ANSWERED = (403, 404, 409, 422)


@dataclass(frozen=True)
class Refusal:
    """Refusal for the form that was sent: status of the page, words, and the service's detail."""

    status: int
    words: str
    detail: str = ""


def refusal_of(result: Result) -> Refusal | None:
    """Return the refusal of a change; None: it was done."""
    match result:
        case Answer():
            return None
        case Away():
            return Refusal(UNAVAILABLE, AWAY)
        case Refused(status, slug, detail):
            shown = status if status in _ANSWERED else CONFLICT
            return Refusal(shown, refusal_words(slug), detail)


def see(path: str) -> Response:
    """Return the redirect to the page after a change."""
    return RedirectResponse(path, SEE_OTHER)
