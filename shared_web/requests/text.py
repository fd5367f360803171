"""Text of requests: storable, in Unicode's normal form NFC, and visible where it identifies.

The same letters can be sent composed (one character) or decomposed (a letter and its marks). In one
form they are equal wherever they are compared. ASCII has only one form and costs one test.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import cast

from pydantic_core import PydanticKnownError

# The longest decomposition of a character, so that longer texts need not be composed.
_MOST_PARTS = 4
# Sorting the marks of a letter takes quadratic time; no script needs as many.
_MOST_MARKS = 30
_MARKS_FROM, _WIDE_FROM, _MARKS_TO = 0x300, 0x10000, 0x1E950
# Characters without a width or a picture: directions, joiners, fillers, variation selectors.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Persian and Indic words and emoji need these within a text; between ASCII they only hide.
_JOINERS = "\u200c\u200d"
_ASCII = "\x00-\x7f"
_NUL = "must not contain the NUL character"
_wide = re.compile("[^\x00-\uffff]")
_invisible = re.compile(f"[{_INVISIBLE}]")
_visible = re.compile(rf"[^\s\x00-\x1f\x7f{_INVISIBLE}]")
_hidden_in_label = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    f"\ufeff\uffa0\ufff0-\ufffb]|(?:^|(?<=[{_ASCII}]))[{_JOINERS}]|[{_JOINERS}](?=[{_ASCII}]|$)"
)


def require_storable(text: str) -> None:
    """Return if both databases can store the text.

    Raises:
        ValueError: it has a NUL, which PostgreSQL cannot store, or a lone surrogate.

    """
    if "\x00" in text:
        raise ValueError(_NUL)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must not contain a lone surrogate") from None


def normalized(text: str) -> str:
    """Return the text in NFC.

    Raises:
        ValueError: as `require_storable`, or it has more than 30 marks on one letter.

    """
    require_storable(text)
    if text.isascii():
        return text
    if _many_marks(is_wide=_wide.search(text) is not None).search(text):
        raise ValueError(f"must not have more than {_MOST_MARKS} marks on one letter")
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def at_most(max_length: int, check: Callable[[str], str] = str) -> Callable[[str], str]:
    """Return the validator of a text: NFC, then its length in characters, then the check."""

    def validate(text: str) -> str:
        if not text.isascii():
            if len(text) <= _MOST_PARTS * max_length:
                text = normalized(text)
        elif "\x00" in text:
            raise ValueError(_NUL)
        if len(text) > max_length:
            raise PydanticKnownError("string_too_long", {"max_length": max_length})
        return check(text)

    return validate


def check_id(text: str) -> str:
    """Return the id, if it can stand in paths and logs and looks like no other.

    Raises:
        ValueError: it has an invisible character, or as `check_stored_id`.

    """
    if not text.isascii():
        _refuse(_invisible, text)
    return check_stored_id(text)


def check_stored_id(text: str) -> str:
    """Return the id, if this or an earlier release can have stored it.

    Raises:
        ValueError: it has characters that break or forge, or a space at an end.

    """
    if not text.isprintable() or "/" in text or "\\" in text:
        raise ValueError("must not contain control characters, '/' or a backslash")
    if text != text.strip() or text in {".", ".."}:
        raise ValueError("must not begin or end with a space, nor be '.' or '..'")
    return text


def check_email(text: str) -> str:
    """Return the address, if it has no invisible and no control character.

    Raises:
        ValueError: it has one.

    """
    if not text.isascii():
        _refuse(_invisible, text)
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


def check_label(text: str) -> str:
    """Return the label, such as a subject, by which rows are grouped.

    Raises:
        ValueError: it has an invisible character that the spelling of no script needs, or nothing
            else.

    """
    if not text.isascii():
        _refuse(_hidden_in_label, text)
    return check_name(text)


def check_name(text: str) -> str:
    """Return the name; it may have invisible characters, but not only these.

    Raises:
        ValueError: nothing of it is visible.

    """
    if not _visible.search(text):
        raise ValueError("must have a visible character")
    return text


def normalized_json(value: object) -> object:
    """Return JSON with its texts and names in NFC.

    Raises:
        ValueError: two names of an object differ only by their form, or as `normalized`.

    """
    if isinstance(value, str):
        return normalized(value)
    if isinstance(value, list):
        return [normalized_json(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, object]", value)
    renamed = {normalized(name): normalized_json(item) for name, item in members.items()}
    if len(renamed) < len(members):
        raise ValueError("must not have two names that differ only by their Unicode form")
    return renamed


def _refuse(hidden: re.Pattern[str], text: str) -> None:
    if found := hidden.search(text):
        place = f"U+{ord(found[0]):04X} at character {found.start() + 1}"
        raise ValueError(f"must not contain invisible or direction characters: remove {place}")


@cache
def _many_marks(*, is_wide: bool) -> re.Pattern[str]:
    # At first use: looking at all these characters takes some milliseconds. Without the wide ones,
    # which are rare, the search takes a fiftieth of the time.
    last = _MARKS_TO if is_wide else _WIDE_FROM
    marks = (chr(code) for code in range(_MARKS_FROM, last))
    mark = f"[{''.join(mark for mark in marks if unicodedata.combining(mark))}]"
    return re.compile(f"{mark}{mark}{{{_MOST_MARKS}}}")
