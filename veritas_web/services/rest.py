"""REST client of one service: one retry, a deadline, and the result as a value."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from ssl import create_default_context
from typing import Any, Self
from urllib.parse import quote

import httpx
import structlog
from opentelemetry import propagate

logger = structlog.stdlib.get_logger("veritas.web")

# Time for a call with its retry, so that a page with a service away comes within 2 seconds.
CALL_SECONDS = 1.5
_CONNECT_SECONDS = 0.5
# Shorter than the services' own time, after which they close the connection.
KEEP_ALIVE_SECONDS = 20.0
# No proxy leads to the services; their authority is one of the machine or of SSL_CERT_FILE.
TRUST = create_default_context()
_CONNECTIONS = 40
_LONGEST_RETRY_AFTER = 0.5
_SAFE = ("GET", "HEAD")
_OK = 200
_UNAVAILABLE, _TOO_MANY = 503, 429
# With 308, by which a former id of a student leads to the present one.
_FIRST_REFUSAL = 300
_FIRST_FAILURE = 500


@dataclass(frozen=True)
class Answer:
    """Answer of a service, its JSON as Python values."""

    data: Any
    status: int = 200


@dataclass(frozen=True)
class Refused:
    """Refusal of a service. slug: the end of the problem's type; errors: by field, if any."""

    status: int
    slug: str
    detail: str
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Away:
    """Service that does not answer now, or cannot answer this."""

    service: str


Result = Answer | Refused | Away


@dataclass(frozen=True)
class Caller:
    """Headers that name the key of the pages and the person of the request."""

    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, key: str | None, person: str | None) -> Self:
        """Return the caller of a key that acts for a person, by login or id; None: for nobody."""
        headers = {}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if person:
            headers["Veritas-On-Behalf-Of"] = person.encode().decode("latin-1")
        return cls(headers)


class RestClient:
    """Client of one service."""

    def __init__(
        self, service: str, url: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.service = service
        self._url = url
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/v1",
            timeout=httpx.Timeout(CALL_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_SECONDS),
            transport=transport,
            trust_env=False,
            verify=TRUST,
        )

    async def get(
        self, path: str, caller: Caller, params: Mapping[str, Any] | None = None
    ) -> Result:
        """Return the answer to a GET; `path` is that below `/api/v1`."""
        return await self._call("GET", path, caller, params=_without_nothing(params))

    async def send(
        self,
        method: str,
        path: str,
        caller: Caller,
        body: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        seconds: float | None = None,
    ) -> Result:
        """Return the answer to a change.

        name: Idempotency-Key, with which a change without a known outcome may be repeated. seconds:
        of a change that takes long.
        """
        named = Caller({**caller.headers, "Idempotency-Key": name}) if name else caller
        sent: dict[str, Any] = {"json": body}
        if seconds is not None:
            sent["timeout"] = httpx.Timeout(seconds, connect=_CONNECT_SECONDS)
        return await self._call(
            method, path, named, is_repeatable=name is not None, seconds=seconds, **sent
        )

    async def text(
        self, path: str, caller: Caller, *, accept: str = "*/*", also: int | None = None
    ) -> Result:
        """Return the text of the answer to a GET outside of the API.

        also: a status of 400 or above whose text is an answer, too.
        """
        headers = Caller({**caller.headers, "Accept": accept})
        found = await self._response("GET", f"{self._url}{path}", headers, {}, may_repeat=True)
        if isinstance(found, Away):
            return found
        if found.status_code in {_OK, also}:
            return Answer(found.text, found.status_code)
        return result_of(self.service, found)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        caller: Caller,
        *,
        is_repeatable: bool = False,
        seconds: float | None = None,
        **sent: Any,
    ) -> Result:
        may_repeat = method in _SAFE or is_repeatable
        response = await self._response(
            method, path, caller, sent, may_repeat=may_repeat, seconds=seconds
        )
        return response if isinstance(response, Away) else result_of(self.service, response)

    async def _response(
        self,
        method: str,
        path: str,
        caller: Caller,
        sent: dict[str, Any],
        *,
        may_repeat: bool,
        seconds: float | None = None,
    ) -> httpx.Response | Away:
        try:
            async with asyncio.timeout(seconds or CALL_SECONDS):
                return await self._attempt(method, path, caller, sent, may_repeat=may_repeat)
        except (httpx.HTTPError, TimeoutError) as failure:
            logger.warning("service away", service=self.service, error=type(failure).__name__)
            return Away(self.service)

    async def _attempt(
        self, method: str, path: str, caller: Caller, sent: dict[str, Any], *, may_repeat: bool
    ) -> httpx.Response:
        headers = {**caller.headers, **request_id()}
        try:
            response = await self._client.request(method, path, headers=headers, **sent)
        except httpx.TransportError:
            if not may_repeat:
                raise
        else:
            wait = _retry_after(response)
            if wait is None or not may_repeat:
                return response
            await asyncio.sleep(wait)
        return await self._client.request(method, path, headers=headers, **sent)


def result_of(service: str, response: httpx.Response) -> Result:
    """Return the result of an answer that was read."""
    if response.status_code >= _FIRST_FAILURE:
        logger.warning("service failed", service=service, status=response.status_code)
        return Away(service)
    if response.status_code >= _FIRST_REFUSAL:
        return _refusal(response)
    try:
        data = response.json() if response.content else None
    except ValueError:
        logger.warning("service answers no JSON", service=service)
        return Away(service)
    return Answer(data, response.status_code)


def segment(id_: str) -> str:
    """Return an id as a segment of a path."""
    return quote(id_, safe="")


def request_id() -> dict[str, str]:
    """Return the headers with the id of the present request, and with its trace if there is one."""
    known = structlog.contextvars.get_contextvars().get("request_id")
    headers = {"X-Request-ID": known} if isinstance(known, str) else {}
    propagate.inject(headers)
    return headers


def _without_nothing(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds to wait before a second attempt; None: there should be none."""
    if response.status_code not in {_UNAVAILABLE, _TOO_MANY}:
        return None
    try:
        wait = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(wait, _LONGEST_RETRY_AFTER)


def _refusal(response: httpx.Response) -> Refused:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    slug = str(problem.get("type", "")).rpartition(":")[2]
    errors = problem.get("errors") or []
    return Refused(response.status_code, slug, str(problem.get("detail", "")), errors)
