"""File of a form, read piece by piece."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence

import pytest
from fastapi import Request

from veritas_web.routes.imports.upload import FormFile, UploadBroken

HEAD = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"
OTHER = b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nmarks\r\n'
MEGABYTE = 1024 * 1024


def a_request(pieces: Sequence[bytes], type_: str = "multipart/form-data; boundary=x") -> Request:
    waiting = iter([*pieces, b""])

    async def receive() -> dict[str, object]:
        piece = next(waiting)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", type_.encode())]}
    return Request(scope, receive)


async def read(request: Request) -> AsyncIterator[bytes]:
    file = FormFile(request)
    if await file.begin():
        async for piece in file.content():
            yield piece


def content(request: Request) -> bytes | None:
    """Return the file of a form, None if there is none."""

    async def joined() -> bytes | None:
        pieces = [piece async for piece in read(request)]
        return b"".join(pieces) if pieces else None

    return asyncio.run(joined())


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_file_is_found_wherever_the_pieces_end(size: int) -> None:
    table = b"id,name\r\n--x,\r\n-- --x-\r\n"
    body = OTHER + HEAD + table + b"\r\n" + OTHER + HEAD + b"second" + TAIL
    pieces = [body[start : start + size] for start in range(0, len(body), size)]

    assert content(a_request(pieces)) == table


def test_a_form_without_a_file_has_none() -> None:
    assert content(a_request([OTHER + b"--x--\r\n"])) is None
    assert content(a_request([HEAD + TAIL])) is None


@pytest.mark.parametrize(
    ("pieces", "type_"),
    [
        ([HEAD, b"id,name"], "multipart/form-data; boundary=x"),
        ([b"nonsense"], "multipart/form-data; boundary=x"),
        ([b"--x\r\n" + b"A: b\r\n" * 20], "multipart/form-data; boundary=x"),
        ([HEAD + TAIL], "multipart/form-data"),
        ([b"file=x"], "application/x-www-form-urlencoded"),
    ],
)
def test_another_body_is_refused(pieces: list[bytes], type_: str) -> None:
    with pytest.raises(UploadBroken):
        content(a_request(pieces, type_))


def test_a_long_file_is_not_held_in_memory() -> None:
    rows = b"n1,Grace Hopper\n" * 4096

    async def length() -> int:
        return sum([len(piece) async for piece in read(a_request([HEAD, *[rows] * 1600, TAIL]))])

    tracemalloc.start()
    try:
        total = asyncio.run(length())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert total == 100 * MEGABYTE
    assert peak < MEGABYTE
