"""Client of one service: its one retry, and failures as values."""

import asyncio
from collections.abc import Callable, Sequence

import httpx
import pytest

from veritas_web.services.rest import Answer, Away, Caller, Refused, RestClient, Result, segment

NOBODY = Caller.of(None, None)
BUSY = httpx.Response(503, headers={"Retry-After": "0"})
PROBLEM = {"type": "urn:veritas:problem:student-not-found", "status": 404, "detail": "No student."}

Step = httpx.Response | Exception


class Steps(httpx.AsyncBaseTransport):
    """Service that answers each request with the next step."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = list(steps)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or fail."""
        self.asked.append(request)
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def asked(
    steps: Sequence[Step], call: Callable[[RestClient], object]
) -> tuple[Result, list[httpx.Request]]:
    """Return the result of a call, and the requests that the service got."""
    service = Steps(steps)

    async def run() -> Result:
        client = RestClient("dropout", "http://dropout", service)
        try:
            result: Result = await call(client)  # type: ignore[misc] # an awaitable of it
        finally:
            await client.close()
        return result

    return asyncio.run(run()), service.asked


def get(client: RestClient) -> object:
    return client.get("/courses", NOBODY, {"limit": 1, "after": None})


def post(client: RestClient) -> object:
    return client.send("POST", "/feedback", NOBODY, {"verdict": "correct"})


def named_post(client: RestClient) -> object:
    return client.send("POST", "/feedback", NOBODY, {"verdict": "correct"}, name="once")


CLOSED = httpx.RemoteProtocolError("closed")


@pytest.mark.parametrize("first", [BUSY, CLOSED, httpx.ReadError("reset")])
@pytest.mark.parametrize("call", [get, named_post])
def test_a_call_that_is_safe_is_repeated_once(
    first: Step, call: Callable[[RestClient], object]
) -> None:
    result, requests = asked([first, httpx.Response(200, json={"items": []})], call)

    assert result == Answer({"items": []})
    assert len(requests) == 2
    assert asked([first, first], call)[0] == Away("dropout")


@pytest.mark.parametrize("first", [BUSY, CLOSED])
def test_a_change_without_a_name_is_not_repeated(first: Step) -> None:
    result, requests = asked([first], post)

    assert (result, len(requests)) == (Away("dropout"), 1)


def test_a_refusal_has_the_kind_of_its_problem() -> None:
    result, requests = asked([httpx.Response(404, json=PROBLEM)], get)

    assert result == Refused(404, "student-not-found", "No student.")
    assert str(requests[0].url) == "http://dropout/api/v1/courses?limit=1"


@pytest.mark.parametrize("text", [b"<html>", b"\xff"])
def test_an_answer_that_is_no_json_is_of_no_service(text: bytes) -> None:
    assert asked([httpx.Response(200, content=text)], get)[0] == Away("dropout")
    assert asked([httpx.Response(404, content=text)], get)[0] == Refused(404, "", "")


def test_the_caller_is_named_in_utf_8() -> None:
    caller = Caller.of("key", "zoë@school.example")

    assert caller.headers == {
        "Authorization": "Bearer key",
        "Veritas-On-Behalf-Of": "zoÃ«@school.example",
    }
    assert segment("a/b ü%") == "a%2Fb%20%C3%BC%25"
