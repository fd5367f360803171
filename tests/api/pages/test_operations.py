"""Calls of routes outside of the API: health of a service that does not work, and metrics."""

import asyncio
from collections.abc import Callable

import httpx

from tests.unit.test_route_times import metrics
from veritas_web.domain.system.services import service_state
from veritas_web.services.operations.calls import Operations
from veritas_web.services.rest import Answer, Away, Caller, Refused, RestClient, Result

URL = "http://service.example"
SENT: list[httpx.Request] = []


def called(answer: Callable[[str], httpx.Response], name: str) -> Result:
    """Return the result of a call to a service with these answers by path."""

    async def handle(request: httpx.Request) -> httpx.Response:
        SENT.append(request)
        return answer(request.url.path)

    async def call() -> Result:
        client = RestClient("monitoring", URL, httpx.MockTransport(handle))
        caller = Caller.of("key", "ada")
        result: Result = await getattr(Operations(client, caller), name)()
        await client.close()
        return result

    SENT.clear()
    return asyncio.run(call())


def test_the_health_of_a_service_that_does_not_work_is_an_answer() -> None:
    checks = {
        "database:connection": [{"status": "fail"}],
        "background:erasing": [{"status": "warn"}],
        "background:merging": [{"status": "warn"}],
        "spool:waiting": [{"status": "pass"}],
    }
    body = {"status": "fail", "checks": checks}
    result = called(lambda _: httpx.Response(503, json=body), "health")

    assert isinstance(result, Answer)
    state = service_state("monitoring", result.data)
    assert (state.status, state.about) == ("fail", ["the database", "background work"])
    # The probes need no key, so none is sent.
    assert [(str(one.url), "authorization" in one.headers) for one in SENT] == [
        (f"{URL}/health", False)
    ]


def test_metrics_are_asked_for_in_the_name_of_the_reader() -> None:
    text = metrics(*([("GET", "/a", 200, 0.2)] * 3))
    result = called(lambda _: httpx.Response(200, text=text), "metrics")

    assert isinstance(result, Answer)
    assert [(one.route, one.status) for one in result.data] == [("/a", 200)]
    [sent] = SENT
    assert str(sent.url) == f"{URL}/metrics"
    assert sent.headers["veritas-on-behalf-of"] == "ada"
    assert sent.headers["accept"].startswith("text/plain")


def test_what_is_no_answer_is_unknown() -> None:
    refused = called(lambda _: httpx.Response(403, json={"detail": "no"}), "metrics")
    other = called(lambda _: httpx.Response(200, text="<html>{"), "health")
    broken = called(lambda _: httpx.Response(500), "metrics")

    assert isinstance(refused, Refused)
    assert isinstance(other, Away)
    assert isinstance(broken, Away)
    assert service_state("monitoring", None).status is None
    assert service_state("monitoring", {"status": "odd"}).status is None
