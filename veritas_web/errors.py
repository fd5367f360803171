"""Failures that a page states; each has its status and a text for the reader."""

from typing import ClassVar


class PageError(Exception):
    """Request that is answered by a page, or under `/api` by a problem.

    detail: cause and remedy for the operator; None: the text of the page suffices.
    """

    slug: ClassVar[str] = "page-failed"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail


class PageNotFound(PageError):
    """There is no such page, student or course in the reader's sight."""

    slug = "not-found"
    status = 404


class StudentNotInSight(PageNotFound):
    """There is no such student in the reader's sight; staff may open them in an emergency."""

    slug = "student-not-in-sight"


class NotAllowed(PageError):
    """The reader's role lacks the permission of the page."""

    slug = "forbidden"
    status = 403


class OwnPageOnly(NotAllowed):
    """The page is for staff, and the reader is a student with a page of their own."""

    slug = "own-page"


class ForeignPage(PageError):
    """Change that a page of another site may have sent."""

    slug = "foreign-page"
    status = 403


class SignInNeeded(PageError):
    """Nobody is signed in, or the session is over."""

    slug = "unauthenticated"
    status = 401


class SignInRefused(PageError):
    """Sign-in that proved no person with access."""

    slug = "sign-in-refused"
    status = 403


class ServiceAway(PageError):
    """The service that knows the page's main content does not answer now."""

    slug = "service-away"
    status = 503


class KeyRefused(ServiceAway):
    """The services refuse the key of the pages, or require one."""

    slug = "key-refused"
