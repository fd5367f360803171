"""Cells of a table as values of their fields: numbers, flags, lists, days and words of enums.

A text that does not fit is left as it is, so that the model refuses it with its own reason.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

Convert = Callable[[str], Any]

_SEPARATOR = "|"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE = re.compile(r"-?[0-9]{1,18}")
# Three digits after a comma could be thousands.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+|,[0-9]{1,2}|,[0-9]{4,})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@cache
def converters(model: type[BaseModel]) -> Mapping[str, Convert]:
    """Return the functions from a cell to a value, for fields that are no text."""
    found: dict[str, Convert] = {}
    for name, field in model.model_fields.items():
        for type_ in _types(field.annotation):
            if convert := _converter(type_):
                found[name] = convert
    return found


def converted(item: dict[str, str], convert: Mapping[str, Convert]) -> dict[str, Any]:
    """Return the fields of a row with the values of their types."""
    return {name: convert[name](text) if name in convert else text for name, text in item.items()}


def _types(annotation: Any) -> Iterator[Any]:
    """Yield the types of an annotation without its constraints."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _types(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _types(inner)
    else:
        yield origin or annotation


def _converter(type_: Any) -> Convert | None:
    if isinstance(type_, type) and issubclass(type_, Enum):
        return str.lower
    return _BY_TYPE.get(type_)


def _flag(text: str) -> bool | str:
    return _FLAGS.get(text.lower(), text)


def _whole(text: str) -> int | str:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(text: str) -> float | str:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else text


def _list(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(_SEPARATOR)) if part]


def _instant(text: str) -> str:
    return f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text


_BY_TYPE: dict[Any, Convert] = {
    bool: _flag,
    int: _whole,
    float: _number,
    list: _list,
    AwareDatetime: _instant,
    datetime: _instant,
}
