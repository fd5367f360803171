"""Text of a table: its encoding, declared or detected."""

import codecs
import re
from dataclasses import dataclass

from shared_web.problems import InvalidRequest, WrongMediaType

UTF_8 = "utf-8"
UTF_16 = "utf-16"
WINDOWS_1252 = "windows-1252"

_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
# Declared names. Browsers read ISO-8859-1 as Windows-1252 too, which has more characters.
_CODECS = {
    "utf-8": UTF_8,
    "utf8": UTF_8,
    "us-ascii": UTF_8,
    "utf-16": UTF_16,
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "windows-1252": WINDOWS_1252,
    "cp1252": WINDOWS_1252,
    "iso-8859-1": WINDOWS_1252,
    "latin1": WINDOWS_1252,
}
_MARKS = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LINE_END = re.compile(r"\r\n|\r|\n")
_GUESSED = (
    "The table is not UTF-8 and was read as Windows-1252. Check the letters with accents, or "
    "declare the encoding: Content-Type: text/csv; charset=..."
)


@dataclass(frozen=True)
class TableText:
    """Text of a table, the name of its encoding, and notes for the sender."""

    text: str
    encoding: str
    notes: list[str]


def table_text(body: bytes, content_type: str) -> TableText:
    """Decode a table; a byte order mark wins over the charset of the Content-Type.

    Without both it is UTF-8, or Windows-1252 if it is not valid UTF-8.

    Raises:
        WrongMediaType: the charset is not supported.
        InvalidRequest: the bytes do not fit the encoding; names line and character.

    """
    charset = _charset(content_type)
    for mark, codec in _MARKS.items():
        if body.startswith(mark):
            return TableText(_decoded(body, codec).removeprefix("\ufeff"), _name(codec), [])
    if charset is not None:
        return TableText(_decoded(body, charset), _name(charset), [])
    try:
        text = body.decode(UTF_8)
    except UnicodeDecodeError:
        return TableText(_decoded(body, WINDOWS_1252), WINDOWS_1252, [_GUESSED])
    if "\x00" in text:
        raise InvalidRequest(
            "The table has NUL characters. If it is UTF-16, declare it: Content-Type: text/csv; "
            "charset=utf-16le."
        )
    return TableText(text, UTF_8, [])


def _charset(content_type: str) -> str | None:
    found = _CHARSET.search(content_type)
    if found is None:
        return None
    charset = _CODECS.get(found[1].lower())
    if charset is None:
        raise WrongMediaType(f"The charset of a table is one of {', '.join(_CODECS)}.")
    return charset


def _name(codec: str) -> str:
    return UTF_16 if codec.startswith(UTF_16) else codec


def _decoded(body: bytes, codec: str) -> str:
    try:
        return body.decode(codec)
    except UnicodeDecodeError as failure:
        *lines, last = _LINE_END.split(body[: failure.start].decode(codec, errors="ignore"))
        expected = "UTF-8 or Windows-1252" if codec == WINDOWS_1252 else _name(codec).upper()
        detail = (
            f"The table is not {expected}: look at line {len(lines) + 1}, character "
            f"{len(last) + 1}. Save it as CSV UTF-8."
        )
        raise InvalidRequest(detail) from failure
