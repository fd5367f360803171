"""HTTP client of the three services, with retries while a service is busy."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import Field, SecretStr

from shared_db.connection.engine import is_local
from shared_db.settings import VeritasSettings
from shared_web.operations.readiness import url_at
from veritas_cli.errors import CommandFailure

_TIMEOUT_SECONDS = 30
_ATTEMPTS = 5
_MAX_PAUSE_SECONDS = 10
_PAGE = 1000
# Shorter than the services' KEEP_ALIVE_SECONDS: no request meets a connection that is closing.
_KEEPALIVE_SECONDS = 2
_MAX_ERRORS = 3

SAME_ID_ADVICE = "Use a database without these rows, or send the same data as before."


class ServiceName(StrEnum):
    """The three services."""

    MONITORING = "monitoring"
    STAFFSTUDDASH = "staffstuddash"
    DROPOUT = "dropout"


class ClientSettings(VeritasSettings):
    """Addresses of the services, and the API key."""

    host: str = "127.0.0.1"
    monitoring_port: int = Field(8001, ge=1, le=65535)
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    dropout_port: int = Field(8003, ge=1, le=65535)
    monitoring_url: str | None = None
    staffstuddash_url: str | None = None
    dropout_url: str | None = None
    veritas_key: SecretStr | None = None

    def url_of(self, service: ServiceName) -> str:
        """Return the service's URL, by default on this machine."""
        url: str | None = getattr(self, f"{service}_url")
        return url or url_at(self.host, getattr(self, f"{service}_port"))


class ClientError(CommandFailure):
    """Failed call of a service."""


class Refusal(ClientError):
    """Problem response of a service; `type` is the slug of the problem type."""

    def __init__(self, service: ServiceName, problem: dict[str, Any], status: int) -> None:
        self.type = str(problem.get("type", "")).removeprefix("urn:veritas:problem:")
        self.status = status
        parts = [f"{service} refused: {problem.get('title')}.", problem.get("detail")]
        errors = (problem.get("errors") or [])[:_MAX_ERRORS]
        parts += [f"{error.get('field')}: {error.get('message')}." for error in errors]
        parts.append(_advice(status, problem))
        super().__init__(" ".join(part for part in parts if part))


def _advice(status: int, problem: dict[str, Any]) -> str | None:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return "Give a key with --key or VERITAS_KEY; `veritas keys add` makes one."
        case HTTPStatus.FORBIDDEN:
            return (
                "Use a key with the scopes read, write and ingest; removing needs `erase` as well."
            )
        case HTTPStatus.CONFLICT:
            return SAME_ID_ADVICE
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return "Try again shortly; what was stored stays stored."
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"Look for request {problem.get('request_id')} in its log."
    return None


@dataclass(frozen=True)
class Answer:
    """Answer of a service; `is_replay` is True if the same request was stored before."""

    body: Any
    is_replay: bool
    milliseconds: float


class VeritasClient:
    """HTTP client of the three services; safe to use from several threads.

    Raises:
        ClientError: an address or the key is malformed.

    """

    def __init__(self, settings: ClientSettings) -> None:
        key = settings.veritas_key.get_secret_value() if settings.veritas_key else None
        self._addresses = {name: _address(name, settings.url_of(name)) for name in ServiceName}
        self._clients = {name: _client(url, key) for name, url in self._addresses.items()}
        self._stopped = threading.Event()

    def address_of(self, service: ServiceName) -> str:
        """Return the service's URL."""
        return str(self._addresses[service])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for client in self._clients.values():
            client.close()

    def stop(self) -> None:
        """End the waits for busy services; their calls raise ClientError."""
        self._stopped.set()

    def in_memory(self) -> list[ServiceName]:
        """Check the health of each service; return those that store in memory only.

        Raises:
            ClientError: a service is unreachable, is a different one, or has no database.

        """
        return [name for name in ServiceName if self._is_in_memory(name)]

    def get(self, service: ServiceName, path: str, **query: str | int) -> Any:
        """Return the JSON body of a GET request.

        Raises:
            Refusal: the service answered with a problem.
            ClientError: the call failed otherwise.

        """
        return self._body(service, self._send(service, "GET", path, params=query))

    def post(self, service: ServiceName, path: str, body: object) -> Answer:
        """Send a body; repeated while the service is busy, so the rows in it should have ids.

        Raises:
            Refusal: the service answered with a problem.
            ClientError: the call failed otherwise.

        """
        return self._answer(service, self._send(service, "POST", path, json=body))

    def put(self, service: ServiceName, path: str, body: object) -> Answer:
        """Replace a row; repeated while the service is busy.

        Raises:
            Refusal: the service answered with a problem.
            ClientError: the call failed otherwise.

        """
        return self._answer(service, self._send(service, "PUT", path, json=body))

    def delete(self, service: ServiceName, path: str) -> Answer:
        """Delete or end a row; repeated while the service is busy.

        Raises:
            Refusal: the service answered with a problem.
            ClientError: the call failed otherwise.

        """
        return self._answer(service, self._send(service, "DELETE", path))

    def pages(
        self, service: ServiceName, path: str, limit: int = _PAGE, **filters: str
    ) -> Iterator[Any]:
        """Yield the items of a list; pages are fetched when they are needed.

        Raises:
            Refusal: the service answered with a problem.
            ClientError: the call failed otherwise.

        """
        query: dict[str, str | int] = {"limit": limit, **filters}
        while True:
            page = self.get(service, path, **query)
            yield from page["items"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def _answer(self, service: ServiceName, response: httpx.Response) -> Answer:
        return Answer(
            body=self._body(service, response),
            is_replay="Idempotent-Replay" in response.headers,
            milliseconds=response.elapsed.total_seconds() * 1000,
        )

    def _is_in_memory(self, service: ServiceName) -> bool:
        response = self._send(service, "GET", "/health")
        if not response.headers.get("content-type", "").startswith("application/health+json"):
            raise self._unexpected_answer(service, response)
        health = response.json()
        if health["serviceId"] != service:
            where = self._addresses[service]
            raise ClientError(f"At {where} is {health['serviceId']}, not {service}.")
        if response.status_code != HTTPStatus.OK:
            [check] = health["checks"]["database:connection"]
            raise ClientError(f"{service} has no database: {check['output']}")
        return bool(response.headers.get("Veritas-Storage") == "memory")

    def _send(self, service: ServiceName, method: str, path: str, **content: Any) -> httpx.Response:
        for _ in range(_ATTEMPTS - 1):
            response = self._send_once(service, method, path, **content)
            pause = _retry_after(response)
            if pause is None:
                return response
            if self._stopped.wait(pause):
                raise ClientError("Stopped.")
        return self._send_once(service, method, path, **content)

    def _send_once(
        self, service: ServiceName, method: str, path: str, **content: Any
    ) -> httpx.Response:
        where = self._addresses[service]
        try:
            return self._clients[service].request(method, path, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as failure:
            is_here = is_local(where.host) and where.scheme == "http"
            advice = "start with `make up`" if is_here else f"{failure or 'no answer'}"
            raise ClientError(f"No service at {where} ({service}): {advice}.") from failure
        except httpx.TimeoutException as failure:
            text = f"{service} at {where} did not answer within {_TIMEOUT_SECONDS} seconds."
            raise ClientError(text) from failure
        except httpx.HTTPError as failure:
            text = f"{service} at {where} broke off: {failure or type(failure).__name__}."
            raise ClientError(text) from failure

    def _body(self, service: ServiceName, response: httpx.Response) -> Any:
        media_type = response.headers.get("content-type", "")
        if response.is_success and media_type.startswith("application/json"):
            return response.json()
        if media_type.startswith("application/problem+json"):
            raise Refusal(service, response.json(), response.status_code)
        raise self._unexpected_answer(service, response)

    def _unexpected_answer(self, service: ServiceName, response: httpx.Response) -> ClientError:
        where = self._addresses[service]
        return ClientError(
            f"{where} answered {response.status_code}, but not as {service} would: "
            "is the address right?"
        )


def _address(service: ServiceName, text: str) -> httpx.URL:
    problem = f"{service.upper()}_URL is no address like http://127.0.0.1:8001."
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as failure:
        raise ClientError(problem) from failure
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ClientError(problem)
    return url


def _client(url: httpx.URL, key: str | None) -> httpx.Client:
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ClientError("The key has characters that no key has.")
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=_TIMEOUT_SECONDS,
        limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
        # A proxy from the environment cannot reach services on this machine.
        trust_env=not is_local(url.host),
    )


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    if response.status_code != HTTPStatus.SERVICE_UNAVAILABLE or not seconds.isdecimal():
        return None
    return min(float(seconds), _MAX_PAUSE_SECONDS)
