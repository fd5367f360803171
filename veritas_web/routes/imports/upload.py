"""File of a form, passed on piece by piece: it is never in memory or on a disk as a whole."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared_web.problems import BodyRefused
from veritas_web.errors import PageError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


class UploadBroken(PageError):
    """Body that is no form with a file."""

    slug = "upload-broken"
    status = 400


class FormFile:
    """First file of a form, read while the form arrives.

    begin: reads up to the beginning of the file, so that a form without one is noticed before
    anything is sent on. failure: that of `content`, whose reader may have changed it into another.
    """

    def __init__(self, request: Request) -> None:
        type_, options = parse_options_header(request.headers.get("content-type"))
        if type_ != b"multipart/form-data" or b"boundary" not in options:
            raise UploadBroken
        self.failure: UploadBroken | BodyRefused | None = None
        self._stream = request.stream()
        self._parts = _Parts()
        self._parser = MultipartParser(options[b"boundary"], self._parts.callbacks)

    async def begin(self) -> bool:
        """Return True if the form has a file that is not empty.

        Raises:
            UploadBroken: the body is no form.
            BodyRefused: it is too large, or the client went away.

        """
        while not self._parts.data:
            if not await self._read():
                return False
        return True

    async def content(self) -> AsyncIterator[bytes]:
        """Yield the file, after `begin`.

        Raises:
            UploadBroken, BodyRefused: as `begin`.

        """
        try:
            yield self._parts.take()
            while await self._read():
                if self._parts.data:
                    yield self._parts.take()
            self._parts.require_end()
        except (UploadBroken, BodyRefused) as failure:
            self.failure = failure
            raise

    async def _read(self) -> bool:
        """Parse the next piece of the body; return False at its end."""
        piece = await anext(self._stream, b"")
        try:
            self._parser.write(piece)
        except FormParserError as failure:
            raise UploadBroken from failure
        return bool(piece)


class _Parts:
    """Parts of a form: the bytes of the first file since the last `take`."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_complete = False
        self._name, self._value = bytearray(), bytearray()
        self._is_file = self._has_file = False

    @property
    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def require_end(self) -> None:
        if not self.is_complete:
            raise UploadBroken

    def take(self) -> bytes:
        taken = bytes(self.data)
        self.data.clear()
        return taken

    def _on_part_begin(self) -> None:
        self._is_file = False

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._name.lower() == b"content-disposition" and not self._has_file:
            _, options = parse_options_header(bytes(self._value))
            self._is_file = b"filename" in options
        self._name.clear()
        self._value.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._has_file = True
            self.data += data[start:end]

    def _on_part_end(self) -> None:
        self._is_file = False

    def _on_end(self) -> None:
        self.is_complete = True
