"""Endpoints in request threads: the same answers as by FastAPI's own switch to a thread."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.testclient import TestClient

from shared_web.threads import in_request_thread, start_request_threads

_caller: ContextVar[str] = ContextVar("_caller")


class Item(BaseModel):
    """Item with an alias, a field that is left out, and values read from attributes."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(alias="itemId")
    share: float | None = None
    pending: bool = Field(default=False, exclude_if=lambda value: not value)


class Other(BaseModel):
    """Other member of a union."""

    number: int


class Row:
    """Row with the attributes of an item."""

    itemId = "ä"  # noqa: N815 - the alias
    share = 0.1
    pending = True


async def _sets_header(response: Response) -> str:
    response.headers["X-From-Dependency"] = "1"
    return _caller.set("ada").var.get()


def _add_item(n: int, response: Response, tasks: BackgroundTasks) -> Item:
    tasks.add_task(threading.get_ident)
    response.status_code = 200 if n else 201
    response.headers["Idempotent-Replay"] = "true"
    return Item(itemId=f"item {n}", share=n / 3)


def _list_items(caller: Annotated[str, Depends(_sets_header)]) -> list[Item | Other]:
    return [Item(itemId=caller + _caller.get()), Other(number=7)]


def _item_of_row() -> Any:
    return Row()


def _nothing(response: Response) -> None:
    response.headers["X-Done"] = "1"


def _wrong() -> Any:
    return {"itemId": 5}


def _untyped() -> Any:
    return {"b": {1}, "a": None}


def _refused() -> Item:
    raise HTTPException(409, "refused", headers={"X-Why": "test"})


def _own_response() -> Response:
    return Response(b"\x00", status_code=202, media_type="application/octet-stream")


def _stream(request: Request) -> StreamingResponse:
    return StreamingResponse(iter([request.url.path, "!"]), media_type="text/plain")


ENDPOINTS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "/items/{n}": (_add_item, {"status_code": 201}),
    "/items": (_list_items, {}),
    "/row": (_item_of_row, {"response_model": Item | None}),
    "/nothing": (_nothing, {"status_code": 204}),
    "/wrong": (_wrong, {"response_model": Item}),
    "/untyped": (_untyped, {"response_model": None}),
    "/refused": (_refused, {}),
    "/response": (_own_response, {"response_class": Response}),
    "/stream": (_stream, {"response_class": StreamingResponse}),
}
PATHS = ["/items/0", "/items/2", "/items/x", *list(ENDPOINTS)[1:]]


def _client(switch: Callable[[Callable[..., Any]], Callable[..., Any]]) -> TestClient:
    app = FastAPI()
    for path, (endpoint, options) in ENDPOINTS.items():
        app.add_api_route(path, switch(endpoint), **options)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/openapi.json", *PATHS])
def test_answers_are_those_of_fastapi(path: str) -> None:
    wanted, found = (
        _client(switch).get(path) for switch in (lambda endpoint: endpoint, in_request_thread)
    )

    assert found.status_code == wanted.status_code
    assert found.headers.raw == wanted.headers.raw
    assert found.content == wanted.content


def test_endpoint_runs_in_a_request_thread_with_the_context_of_its_request() -> None:
    async def call() -> tuple[str, str]:
        start_request_threads(1)
        _caller.set("ada")
        endpoint = in_request_thread(lambda: (threading.current_thread().name, _caller.get()))
        found: tuple[str, str] = await endpoint()
        return found

    assert asyncio.run(call()) == ("request_0", "ada")


def test_coroutine_functions_stay_in_the_event_loop() -> None:
    assert in_request_thread(_sets_header) is _sets_header
