"""Cells of one row, checked as they are read; a refusal names the column and shows no value."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from math import isfinite
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared_db.clock import utc_now
from shared_web.requests.fields import Email, Id, Label, NewStudentId, PersonName

T = TypeVar("T")

_MIN_YEAR = 1900
_YEARS_AHEAD = 100
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].*)?")
_NOT_LETTERS = re.compile(r"[^a-z]")
_MAX_LIST = 1000
# Texts that these types take as they are; their own validation takes ten times as long.
_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.:@-]{0,198}[A-Za-z0-9])?")
# By identity, because annotated types take long to compare.
_TAKE_PLAIN = frozenset(map(id, (Id, Label, PersonName)))
_TRUE, _FALSE = ("true", "1", "yes", "y"), ("false", "0", "no", "n")


class RowRefused(Exception):
    """Refusal of a row: the column at fault, if it is one, and the reason."""

    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class LeftOut(Exception):
    """Valid row that is not imported; the text is the reason."""


class Row:
    """Cells of one row by column; an empty cell is absent."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.cells = cells

    def has(self, column: str) -> bool:
        """Return True if the cell is not empty."""
        return column in self.cells

    def student_id(self, column: str) -> str:
        """Return a student's id, which paths of the API must be able to contain."""
        return self._required(column, NewStudentId)

    def id(self, column: str) -> str:
        """Return an id."""
        return self._required(column, Id)

    def id_or_none(self, column: str) -> str | None:
        """Return an id, or None."""
        return self._optional(column, Id)

    def ids(self, column: str) -> tuple[str, ...]:
        """Return the ids of a list, each once."""
        return self._list(column, Id)

    def label(self, column: str) -> str:
        """Return a name of one line, such as a title."""
        return self._required(column, Label)

    def label_or_none(self, column: str) -> str | None:
        """Return a name of one line, or None."""
        return self._optional(column, Label)

    def labels(self, column: str) -> tuple[str, ...]:
        """Return the names of a list, each once."""
        return self._list(column, Label)

    def name_or_none(self, column: str) -> str | None:
        """Return a part of a person's name, or None."""
        return self._optional(column, PersonName)

    def email_or_none(self, column: str) -> str | None:
        """Return an e-mail address, or None."""
        return self._optional(column, Email)

    def day(self, column: str) -> date:
        """Return a date; a time after it is ignored."""
        found = self.day_or_none(column)
        if found is None:
            raise RowRefused(column, "is missing")
        return found

    def day_or_none(self, column: str) -> date | None:
        """Return a date, or None; a time after it is ignored."""
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            found = _parsed_day(text)
        except ValueError:
            raise RowRefused(column, "must be a date as 2026-08-31") from None
        if not _MIN_YEAR <= found.year <= utc_now().year + _YEARS_AHEAD:
            raise RowRefused(column, f"must be a date from {_MIN_YEAR} to {_YEARS_AHEAD} years on")
        return found

    def span(self, first: str, end: str) -> tuple[date | None, date | None]:
        """Return the first day of a span and the first day after it, either may be None."""
        begins, ends = self.day_or_none(first), self.day_or_none(end)
        if begins is not None and ends is not None and ends < begins:
            raise RowRefused(end, f"must not be before {first}")
        return begins, ends

    def past_day_or_none(self, column: str) -> date | None:
        """Return a date that is not in the future, or None."""
        found = self.day_or_none(column)
        # It may be tomorrow already in the time zone of the school.
        if found is not None and found > utc_now().date() + timedelta(days=1):
            raise RowRefused(column, "must not be in the future")
        return found

    def number_or_none(self, column: str) -> float | None:
        """Return a number that is not negative, or None."""
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            raise RowRefused(column, "must be a number as 12.5") from None
        if not isfinite(number) or number < 0:
            raise RowRefused(column, "must be a number of 0 or more")
        return number

    def whole_or_none(self, column: str) -> int | None:
        """Return a whole number that is not negative, or None."""
        number = self.number_or_none(column)
        if number is not None and not number.is_integer():
            raise RowRefused(column, "must be a whole number")
        return None if number is None else int(number)

    def flag_or_none(self, column: str) -> bool | None:
        """Return a truth value, or None."""
        text = self.cells.get(column, "").lower()
        if text and text not in (*_TRUE, *_FALSE):
            raise RowRefused(column, "must be true or false")
        return text in _TRUE if text else None

    def choice(self, column: str, choices: Mapping[str, T]) -> T:
        """Return the choice of a word; case, spaces and hyphens do not count."""
        if column not in self.cells:
            raise RowRefused(column, "is missing")
        # Most exports write the words of the standard.
        if self.cells[column] in choices:
            return choices[self.cells[column]]
        word = plain_word(self.cells[column])
        for name, choice in choices.items():
            if plain_word(name) == word:
                return choice
        raise RowRefused(column, f"must be one of {', '.join(choices)}")

    def _required(self, column: str, kind: Any) -> str:
        if column not in self.cells:
            raise RowRefused(column, "is missing")
        return _checked(column, self.cells[column], kind)

    def _optional(self, column: str, kind: Any) -> str | None:
        text = self.cells.get(column)
        return None if text is None else _checked(column, text, kind)

    def _list(self, column: str, kind: Any) -> tuple[str, ...]:
        texts = dict.fromkeys(text.strip() for text in self.cells.get(column, "").split(","))
        texts.pop("", None)
        if len(texts) > _MAX_LIST:
            raise RowRefused(column, f"must not have more than {_MAX_LIST} items")
        return tuple(_checked(column, text, kind) for text in texts)


def plain_word(text: str) -> str:
    """Return the letters of a word in lower case."""
    return _NOT_LETTERS.sub("", text.lower())


@lru_cache(maxsize=10_000)
def _parsed_day(text: str) -> date:
    matched = _DATE.fullmatch(text)
    return date.fromisoformat(matched[1] if matched else "")


@cache
def _adapter(kind: Any) -> TypeAdapter[str]:
    return TypeAdapter(kind)


def _checked(column: str, text: str, kind: Any) -> str:
    if id(kind) in _TAKE_PLAIN and _PLAIN.fullmatch(text):
        return text
    try:
        return _adapter(kind).validate_python(text)
    except ValidationError as refusal:
        error = refusal.errors()[0]
        reason = error["msg"].removeprefix("Value error, ")
        if error["type"] == "string_pattern_mismatch":
            reason = "must be an e-mail address"
        raise RowRefused(column, reason[0].lower() + reason[1:]) from None
