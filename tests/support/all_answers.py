"""Answers of all routes, with the endpoints in request threads or in FastAPI's own.

Run as a program: it prints a line of JSON for each answer.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import shared_web.threads

REQUEST_THREADS, FASTAPI_THREADS = "request-threads", "fastapi-threads"
# Ids that the service makes, instants, figures of time, and archives with them.
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d(:[\d.]+)?(Z|\+00:00))?"
    r'|(?<=_seconds":)[\d.e-]+|\d+\.\d{6,}(e-\d+)?|PK[\s\S]*'
)


def all_answers() -> Iterator[dict[str, Any]]:
    """Yield the answers to a good, a stray and a malformed request of each route, in memory."""
    from starlette.testclient import TestClient  # noqa: PLC0415 - after the routes were chosen

    from shared_db.connection.database import Database  # noqa: PLC0415
    from shared_db.settings import Environment  # noqa: PLC0415
    from tests.person_matrix.callers import PATH  # noqa: PLC0415
    from tests.person_matrix.expected import ROUTES  # noqa: PLC0415
    from tests.support.databases import LOOPBACK  # noqa: PLC0415
    from tests.support.services import PARTS  # noqa: PLC0415

    for service, parts in PARTS.items():
        settings = parts.settings(environment=Environment.DEVELOPMENT, cache_seconds=0)
        app = parts.app(Database.in_memory(parts.metadata), settings)
        at = f"http://{LOOPBACK}"
        with TestClient(app, at, client=(LOOPBACK, 50000), raise_server_exceptions=False) as client:
            yield _answer(service, client, "GET", "/openapi.json")
            for name, route in ROUTES[service].items():
                method, template = name.split(" ")
                path = "/api/v1" + re.sub(r"{(\w+)}", lambda found: PATH[found[1]], template)
                body = route.body if isinstance(route.body, str) else json.dumps(route.body)
                url = f"{path}?{route.params}".replace("{s}", "s1")
                sent = {"content": body.replace("{s}", "s1")} if route.body is not None else {}
                for _ in range(2):
                    yield _answer(service, client, method, url, **sent)
                stray = f"{path}?stray=1".replace("{s}", "s1")
                yield _answer(service, client, method, stray, **sent)
                if sent:
                    yield _answer(service, client, method, url, content='{"id": ')


# Headers that depend on the instants and figures of time in the body.
_OF_VARYING_BODIES = ("content-length", "etag")


def _answer(service: str, client: Any, method: str, url: str, **sent: Any) -> dict[str, Any]:
    table = "text/csv" if "/csv" in url else "application/json"
    headers = {"X-Request-ID": "both-ways", "Idempotency-Key": "one", "Content-Type": table}
    found = client.request(method, url, headers=headers, follow_redirects=False, **sent)
    body = _VARYING.sub("~", found.text)
    left_out = _OF_VARYING_BODIES if body != found.text else ()
    found_headers = [(name.decode(), value.decode()) for name, value in found.headers.raw]
    return {
        "request": f"{service} {method} {url} {sent.get('content', '')}",
        "status": found.status_code,
        "headers": [[name, value] for name, value in found_headers if name not in left_out],
        "body": body,
    }


def _unchanged(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    return endpoint


if __name__ == "__main__":
    if sys.argv[1] == FASTAPI_THREADS:
        # Before any route is made.
        shared_web.threads.in_request_thread = _unchanged
    for answer in all_answers():
        print(json.dumps(answer))  # noqa: T201 - read by the test
