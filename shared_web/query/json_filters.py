"""Filters inside JSON objects: `data.response_time__gt=250`."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared_db.queries.filters import Filter, Operator
from shared_web.requests.text import normalized, require_storable

MAX_CONDITIONS = 10
MAX_VALUES = 50
_MAX_TEXT_LENGTH = 1000
_INTEGER_LIMIT = 2**63
_OPERATORS = {operator.value: operator for operator in Operator}
_TEXT_ONLY = (Operator.CONTAINS, Operator.STARTSWITH)
_KEYS = r"(\.[A-Za-z0-9_-]{1,100}){1,10}"
_DESCRIPTION = (
    "Conditions inside {names}, one parameter each: `{first}.KEY`, `{first}.KEY__gt`, "
    "`{first}.OUTER.INNER__in` and so on, with the operators eq (without a suffix), {operators}. "
    "`250`, `true` and `null` are JSON; a text of that form goes in double quotes. A value of "
    "another JSON type does not match. A dot may also be part of a key. They need `{time}__gte` or "
    "`{time}__gt`, which limits the search."
)

# Parser of a sent value for the operator.
Reader = Callable[[Any, Operator], Any]


@dataclass(frozen=True)
class JsonConditions:
    """Parsed conditions, and errors as pairs of parameter name and reason."""

    filters: list[Filter] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class JsonField:
    """JSON columns of a list that can be filtered by key, and the time that limits the search.

    Keys have letters, digits, `_` and `-`, and are nested at most ten deep.
    """

    names: tuple[str, ...]
    time: str

    @property
    def pattern(self) -> str:
        """Pattern of the parameter names."""
        return f"^({'|'.join(self.names)}){_KEYS}$"

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """OpenAPI parameters: an exploded object with the parameter names as keys."""
        description = _DESCRIPTION.format(
            names=" and ".join(f"`{name}`" for name in self.names),
            first=self.names[0],
            operators=", ".join(operator for operator in Operator if operator != "eq"),
            time=self.time,
        )
        schema = {
            "type": "object",
            "patternProperties": {self.pattern: {"type": "string", "minLength": 1}},
            "additionalProperties": False,
        }
        return [
            {
                "name": "inside_json",
                "in": "query",
                "required": False,
                "style": "form",
                "explode": True,
                "schema": schema,
                "description": description,
            }
        ]

    def owns(self, name: str) -> bool:
        """Return True if a parameter of this name, well formed or not, belongs to these columns."""
        return name.partition(".")[0] in self.names and "." in name

    def from_query(self, sent: Iterable[tuple[str, str]]) -> JsonConditions:
        """Parse the parameters of a query that belong to these columns; their values are texts."""
        own = [(name, value) for name, value in sent if self.owns(name)]
        return self._read(own, _from_text)

    def from_body(self, sent: Mapping[str, Any]) -> JsonConditions:
        """Parse the members of an object; their values are JSON, a list for `in`."""
        return self._read(list(sent.items()), _from_json)

    def missing_range(self, others: Sequence[Filter]) -> list[tuple[str, str]]:
        """Return an error if no other filter has a lower bound of the time."""
        if any(f.field == self.time and f.operator in (Operator.GT, Operator.GTE) for f in others):
            return []
        needed = f"{self.time}__gte"
        return [(needed, "is needed beside a condition inside JSON: from when on")]

    def _read(self, sent: Sequence[tuple[str, Any]], read: Reader) -> JsonConditions:
        result = JsonConditions()
        if len(sent) > MAX_CONDITIONS:
            excess = (sent[MAX_CONDITIONS][0], f"is one too many; at most {MAX_CONDITIONS}")
            result.errors.append(excess)
        for name, value in sent[:MAX_CONDITIONS]:
            try:
                result.filters.append(self._filter(name, value, read))
            except ValueError as refusal:
                result.errors.append((name, str(refusal)))
        return result

    def _filter(self, name: str, value: Any, read: Reader) -> Filter:
        if not re.fullmatch(self.pattern, name):
            raise ValueError("keys have letters, digits, _ and - only")
        whole, operator = _operator_of(name)
        outer, *path = whole.split(".")
        wanted = read(value, operator)
        _validate(wanted, operator)
        return Filter(outer, operator, _in_nfc(wanted), tuple(path))


def _operator_of(name: str) -> tuple[str, Operator]:
    # A key may contain `__`; only a known word after the last one is an operator.
    whole, _, word = name.rpartition("__")
    if whole and word in _OPERATORS and not whole.endswith("."):
        return whole, _OPERATORS[word]
    return name, Operator.EQ


def _from_text(text: str, operator: Operator) -> Any:
    if operator in _TEXT_ONLY:
        return text
    if operator is Operator.IN:
        return _require_list([_scalar(part) for part in text.split(",")])
    return _scalar(text)


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, dict | list) else value


def _from_json(value: Any, operator: Operator) -> Any:
    if operator is not Operator.IN:
        return value
    return _require_list(value)


def _require_list(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"must be a list of 1 to {MAX_VALUES} values")
    return tuple(values)


def _in_nfc(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_in_nfc(one) for one in value)
    return normalized(value) if isinstance(value, str) else value


def _validate(value: Any, operator: Operator) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        _validate_scalar(one)
    if operator in (Operator.EQ, Operator.IN):
        return
    if value is None or (isinstance(value, bool) and operator is not Operator.NE):
        raise ValueError("can be compared with a number or a text only")
    if operator in _TEXT_ONLY and not isinstance(value, str):
        raise ValueError("must be a text")


def _validate_scalar(value: Any) -> None:
    match value:
        case None | bool():
            return
        case str():
            require_storable(value)
            if not 1 <= len(value) <= _MAX_TEXT_LENGTH:
                raise ValueError(f"must have 1 to {_MAX_TEXT_LENGTH} characters")
        case int() | float():
            # Neither NaN nor infinity lies between.
            if not -_INTEGER_LIMIT < value < _INTEGER_LIMIT:
                raise ValueError("must be a number within 64 bits")
        case _:
            raise ValueError("must be a number, a text, true, false or null")
