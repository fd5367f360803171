"""Failures that a page states; each has its status and a text for the reader."""


class PageError(Exception):
    """Request that is answered by a page with the cause and the next step."""

    status = 500


class PageNotFound(PageError):
    """There is no such page, student or course in the reader's sight."""

    status = 404


class NotAllowed(PageError):
    """The reader's role lacks the permission of the page."""

    status = 403


class ServiceAway(PageError):
    """The service that knows the page's main content does not answer now."""

    status = 503
