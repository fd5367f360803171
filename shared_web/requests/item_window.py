"""Window over a JSON array, in which items are decoded without parsing the rest of the body."""

import codecs
import json
from collections.abc import Callable
from json.decoder import WHITESPACE  # type: ignore[attr-defined] # the decoder itself skips it
from typing import Any

from shared_web.problems import TooLarge

# Characters, or bytes if those are more.
MAX_ITEM_BYTES = 256 * 1024
_PIECE_BYTES = 256 * 1024
# A literal, number or escape may be cut off this far before the end of the window.
_TRUNCATED_TOKEN = len("\\ud83d\\ude00")

_decode = json.JSONDecoder().raw_decode
_SPACES = frozenset(" \t\n\r")


class ItemWindow:
    """Decoded part of a body, at least as long as the longest item may be.

    text: the part. start: number of characters before it in the body. passed: called with text that
    leaves the window.
    """

    def __init__(
        self, body: bytes | bytearray, passed: Callable[[str], None] | None = None
    ) -> None:
        encoding = json.detect_encoding(body)
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._body = memoryview(body)
        self._passed = passed
        self.text = ""
        self.start = 0
        # From this place on an item may not be complete in the window.
        self._full_before = -1

    def skip_whitespace(self, place: int) -> int:
        """Return the place after white space."""
        text = self.text
        # There is usually none, and this comparison costs a fifth of a match.
        if text[place : place + 1] in _SPACES:
            place = WHITESPACE.match(text, place).end()
        if place == len(text) and self._body:
            return self.skip_whitespace(self._advance(place))
        return place

    def item(self, place: int) -> tuple[Any, int]:
        """Return the item at the place, after white space, and the place of its end.

        Raises:
            TooLarge: the item has more than `MAX_ITEM_BYTES` characters or bytes.
            JSONDecodeError: it is not JSON.

        """
        if place > self._full_before or self.text[place : place + 1] in _SPACES:
            place = self.skip_whitespace(place)
            if place > self._full_before:
                place = self._advance(place)
        try:
            value, end = _decode(self.text, place)
        except json.JSONDecodeError as failure:
            if self._is_truncated(failure):
                raise _too_long() from failure
            raise
        if 4 * (end - place) > MAX_ITEM_BYTES and self._bytes(place, end) > MAX_ITEM_BYTES:
            raise _too_long()
        return value, end

    def require_end(self, place: int) -> None:
        """Check that only white space follows the array.

        Raises:
            JSONDecodeError: other text follows.

        """
        end = self.skip_whitespace(place)
        if end != len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, end)
        if self._passed is not None:
            self._passed(self.text)

    def _advance(self, place: int) -> int:
        """Move the beginning of the window to the place and fill it; return the new place, 0."""
        if self._passed is not None:
            self._passed(self.text[:place])
        self.start += place
        self.text = self.text[place:]
        while self._body and len(self.text) <= MAX_ITEM_BYTES:
            piece, self._body = self._body[:_PIECE_BYTES], self._body[_PIECE_BYTES:]
            self.text += self._decoder.decode(piece, final=not self._body)
        self._full_before = len(self.text) - (MAX_ITEM_BYTES if self._body else 0)
        return 0

    def _is_truncated(self, failure: json.JSONDecodeError) -> bool:
        if not self._body:
            return False
        is_at_the_end = failure.pos >= len(self.text) - _TRUNCATED_TOKEN
        return is_at_the_end or failure.msg.startswith("Unterminated string")

    def _bytes(self, place: int, end: int) -> int:
        return len(self.text[place:end].encode(errors="surrogatepass"))


def _too_long() -> TooLarge:
    return TooLarge(f"An item is longer than {MAX_ITEM_BYTES} bytes. Send it in parts.")
