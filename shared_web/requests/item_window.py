"""A window over an array of JSON: its items are decoded without looking at the rest of the body."""

import codecs
import json
from collections.abc import Callable
from json.decoder import WHITESPACE  # type: ignore[attr-defined] # what the decoder itself skips
from typing import Any

from shared_web.problems import TooLarge

# Counted in characters, or in bytes where those are more.
LONGEST_ITEM = 256 * 1024
_PIECE_BYTES = 256 * 1024
# A literal, a number or an escape may be cut so far before the end of the window.
_CUT = len("\\ud83d\\ude00")

_decode = json.JSONDecoder().raw_decode
_SPACES = frozenset(" \t\n\r")


class ItemWindow:
    """The part of a body that is decoded: at least as much as the longest item may have.

    text: it. start: how many characters come before it in the body. passed: told what leaves it.
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
        # From here on an item may not be in the window as a whole.
        self._full_before = -1

    def after_space(self, place: int) -> int:
        """Return the place of what follows white space."""
        text = self.text
        # There is mostly none, and a look costs a fifth of a match.
        if text[place : place + 1] in _SPACES:
            place = WHITESPACE.match(text, place).end()
        if place == len(text) and self._body:
            return self.after_space(self._moved_to(place))
        return place

    def item(self, place: int) -> tuple[Any, int]:
        """Return the item there, before which may be white space, and the place of its end.

        Raises:
            TooLarge: it has more than `LONGEST_ITEM` characters or bytes.
            JSONDecodeError: it is not JSON.

        """
        if place > self._full_before or self.text[place : place + 1] in _SPACES:
            place = self.after_space(place)
            if place > self._full_before:
                place = self._moved_to(place)
        try:
            value, end = _decode(self.text, place)
        except json.JSONDecodeError as failure:
            if self._is_cut(failure):
                raise _too_long() from failure
            raise
        if 4 * (end - place) > LONGEST_ITEM and self._bytes(place, end) > LONGEST_ITEM:
            raise _too_long()
        return value, end

    def require_end(self, place: int) -> None:
        """Refuse what follows the array.

        Raises:
            JSONDecodeError: there is something.

        """
        end = self.after_space(place)
        if end != len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, end)
        if self._passed is not None:
            self._passed(self.text)

    def _moved_to(self, place: int) -> int:
        """Let the window begin at the place, and fill it; return the place in it."""
        if self._passed is not None:
            self._passed(self.text[:place])
        self.start += place
        self.text = self.text[place:]
        while self._body and len(self.text) <= LONGEST_ITEM:
            piece, self._body = self._body[:_PIECE_BYTES], self._body[_PIECE_BYTES:]
            self.text += self._decoder.decode(piece, final=not self._body)
        self._full_before = len(self.text) - (LONGEST_ITEM if self._body else 0)
        return 0

    def _is_cut(self, failure: json.JSONDecodeError) -> bool:
        if not self._body:
            return False
        is_at_the_end = failure.pos >= len(self.text) - _CUT
        return is_at_the_end or failure.msg.startswith("Unterminated string")

    def _bytes(self, place: int, end: int) -> int:
        return len(self.text[place:end].encode(errors="surrogatepass"))


def _too_long() -> TooLarge:
    return TooLarge(f"An item is longer than {LONGEST_ITEM} bytes. Send it in parts.")
