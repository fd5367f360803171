"""Checks of records that concern no other row: dates, lengths, characters."""

import unicodedata
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import String, inspect

from staffstuddash_service.datastore.roster.tables import RosterTable
from staffstuddash_service.domain.roster import Record
from staffstuddash_service.errors import RecordInvalid

_MOST_ITEMS = 200
_ORDERED = (("valid_from", "valid_to"), ("starts_on", "ends_on"))


def problem_of(table: RosterTable, key: str, record: Record) -> RecordInvalid | None:
    """Return the refusal of a record that cannot be stored, None if it can."""
    values = vars(record)
    if reason := _wrong_id(key):
        return RecordInvalid(table.key_name, reason)
    for first, last in _ORDERED:
        if _is_later(values.get(first), values.get(last)):
            return RecordInvalid(last, f"must not be before {first}")
    if values.get("parent_id") == values.get("id", ""):
        return RecordInvalid("parent_id", "must not be the row itself")
    for name, most in _lengths(table.model):  # type: ignore[arg-type] # a class can be hashed
        value = values.get(name)
        if value is None or (len(value) <= most and value.isascii() and "\x00" not in value):
            continue
        if reason := _wrong_text(value, most):
            return RecordInvalid(name, reason)
    for name, value in values.items():
        if isinstance(value, tuple) and (reason := _wrong_list(value)):
            return RecordInvalid(name, reason)
    return None


def _is_later(first: date | None, last: date | None) -> bool:
    return first is not None and last is not None and first > last


@cache
def _lengths(model: type[Any]) -> list[tuple[str, int]]:
    columns = inspect(model).columns.items()
    return [
        (name, column.type.length)
        for name, column in columns
        if isinstance(column.type, String) and column.type.length
    ]


def _wrong_text(value: object, most: int) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) > most:
        return f"must have at most {most} characters"
    if "\x00" in value or not (value.isascii() or _is_encodable(value)):
        return "has a character that cannot be stored"
    return None


def _wrong_id(id_: str) -> str | None:
    """Return the reason for which no request could name the id."""
    if not id_ or id_ != id_.strip() or id_ in {".", ".."}:
        return "must not be empty, begin or end with a space, nor be '.' or '..'"
    if not id_.isprintable() or "/" in id_ or "\\" in id_:
        return "must not contain control characters, '/' or a backslash"
    if not unicodedata.is_normalized("NFC", id_):
        return "must be in Unicode's form NFC"
    return None


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_list(values: tuple[object, ...]) -> str | None:
    if len(values) > _MOST_ITEMS:
        return f"must have at most {_MOST_ITEMS} items"
    return next((reason for value in values if (reason := _wrong_text(value, 200))), None)
