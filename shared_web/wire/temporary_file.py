"""Answer from a temporary file, which is closed and so removed in any case."""

from collections.abc import Callable, Iterator
from os import SEEK_END
from tempfile import TemporaryFile
from typing import IO

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK_BYTES = 256 * 1024


class TemporaryFileAnswer(StreamingResponse):
    """Download of a file that `write` fills, before the answer begins.

    The file has no name on the disk, so it is gone with the process, too.
    """

    def __init__(self, write: Callable[[IO[bytes]], None], name: str, media_type: str) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed after the answer
        try:
            write(self._file)
            size = self._file.seek(0, SEEK_END)
            self._file.seek(0)
        except BaseException:
            self._file.close()
            raise
        headers = {
            "content-length": str(size),
            "content-disposition": f'attachment; filename="{name}"',
        }
        super().__init__(self._chunks(), headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._file.read(_CHUNK_BYTES):
            yield chunk


def documented_file(media_type: str) -> dict[int | str, dict[str, object]]:
    """Return FastAPI's `responses` for an answer of this type."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": "The file.", "content": {media_type: {"schema": schema}}}}
