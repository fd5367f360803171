"""Signed cookies: the session, the person a developer acts as, and a sign-in under way."""

import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from veritas_web.settings import Settings

SESSION_SECONDS = 12 * 3600
SIGN_IN_SECONDS = 600
_PREFIX = "__Host-"


@dataclass(frozen=True)
class Session:
    """Content of the cookie of a session.

    revision: that of the person's sessions at the sign-in; None: a developer acts as the person.
    """

    person_id: str
    revision: int | None


class SignedCookie:
    """Cookie that only this app can have made, at most so many seconds ago."""

    def __init__(self, secret: str, name: str, *, seconds: int, is_https: bool) -> None:
        # Browsers take a cookie of that prefix only from HTTPS, for this host and every path.
        self.name = f"{_PREFIX}{name}" if is_https else name
        self._seconds = seconds
        self._is_https = is_https
        self._serializer = URLSafeTimedSerializer(secret, salt=name)

    def read(self, request: Request) -> Any:
        """Return the content, or None if there is none, or it is forged or too old."""
        sent = request.cookies.get(self.name)
        if not sent:
            return None
        try:
            return self._serializer.loads(sent, max_age=self._seconds)
        except BadSignature:
            return None

    def write(self, response: Response, content: Any) -> None:
        """Set the cookie."""
        response.set_cookie(
            self.name,
            str(self._serializer.dumps(content)),
            max_age=self._seconds,
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )

    def delete(self, response: Response) -> None:
        """Delete the cookie."""
        response.delete_cookie(self.name, secure=self._is_https, httponly=True, samesite="lax")


class Cookies:
    """All cookies of the app that are signed."""

    def __init__(self, settings: Settings) -> None:
        given = settings.web_secret
        # Without a secret sessions end with the process; only development starts so.
        secret = given.get_secret_value() if given else secrets.token_urlsafe(32)
        is_https = settings.is_https
        self._is_open = settings.is_open
        self._session = SignedCookie(
            secret, "veritas-session", seconds=SESSION_SECONDS, is_https=is_https
        )
        self._acting = SignedCookie(
            secret, "veritas-acting", seconds=SESSION_SECONDS, is_https=is_https
        )
        self.sign_in = SignedCookie(
            secret, "veritas-sign-in", seconds=SIGN_IN_SECONDS, is_https=is_https
        )

    def read(self, request: Request) -> Session | None:
        """Return the session of a request, or that of a developer acting as a person."""
        cookie = self._acting if self._is_open else self._session
        match cookie.read(request):
            case {"person": str(person), "revision": int(revision)}:
                return Session(person, revision)
            case {"person": str(person)} if self._is_open:
                return Session(person, None)
        return None

    def begin(self, response: Response, session: Session) -> None:
        """Begin a session, or the acting of a developer as a person."""
        if self._is_open:
            self._acting.write(response, {"person": session.person_id})
        else:
            content = {"person": session.person_id, "revision": session.revision}
            self._session.write(response, content)

    def end(self, response: Response) -> None:
        """End the session, or the acting."""
        for cookie in (self._session, self._acting):
            cookie.delete(response)
