"""Deprecation of a route, by `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

DEPRECATION, SUNSET, LINK = "Deprecation", "Sunset", "Link"


@dataclass(frozen=True)
class Deprecated:
    """Marks of a deprecated route.

    since: first day of the deprecation. sunset: first day, in UTC, on which the route may be gone.
    link: page that names the replacement.
    """

    since: date
    sunset: date
    link: str

    async def __call__(self) -> None:
        """Mark a route; it computes nothing."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every answer of the route."""
        return {
            DEPRECATION: f"@{int(_midnight(self.since).timestamp())}",
            SUNSET: format_datetime(_midnight(self.sunset), usegmt=True),
            LINK: f'<{self.link}>; rel="deprecation"; type="text/html"',
        }

    def marking(self, send: Send) -> Send:
        """Return the function that sends an answer with the headers."""

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.append(name, value)
            await send(message)

        return send_marked


def deprecated(since: date, sunset: date, link: str) -> Any:
    """Return the dependency that marks a route as deprecated; see `Deprecated`.

    It stands among the `dependencies` of the route.

    Raises:
        ValueError: the sunset is not after the beginning, or the link has characters that end it.

    """
    if sunset <= since:
        raise ValueError(f"A route deprecated since {since} cannot be gone by {sunset}.")
    if not link or set(link) & set("<> \r\n"):
        raise ValueError(f"{link!r} is no address of a page.")
    return Depends(Deprecated(since, sunset, link))


def deprecation_of(route: APIRoute) -> Deprecated | None:
    """Return the deprecation that the route is declared with, or None."""
    calls = [dependency.call for dependency in route.dependant.dependencies]
    return next((call for call in calls if isinstance(call, Deprecated)), None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)
