"""Filters inside JSON objects: `data.response_time__gt=250`."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared_db.queries.filters import Filter, Operator
from shared_web.requests.fields import reject_unstorable_text

MOST_CONDITIONS = 10
# Each is a condition of its own in SQL, and SQLite takes an expression 1,000 deep.
MOST_VALUES = 50
_LONGEST = 1000
_BIGGEST_INTEGER = 2**63
_OPERATORS = {operator.value: operator for operator in Operator}
_TEXT_ONLY = (Operator.CONTAINS, Operator.STARTSWITH)
_KEYS = r"(\.[A-Za-z0-9_-]{1,100}){1,10}"
_DESCRIPTION = (
    "Conditions inside {names}, one parameter each: `{first}.KEY`, `{first}.KEY__gt`, "
    "`{first}.OUTER.INNER__in` and so on, with the operators eq (without a suffix), {operators}. "
    "`250`, `true` and `null` are JSON; a text that looks like these goes in double quotes. A "
    "value of another JSON type does not match. They need `{time}__gte` or `{time}__gt`, so that "
    "not everything is read."
)


# What makes a value of what was sent, given the operator.
Reader = Callable[[Any, Operator], Any]


@dataclass(frozen=True)
class JsonConditions:
    """What was understood, and what not: pairs of a parameter's name and the reason."""

    filters: list[Filter] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class JsonField:
    """The JSON objects of a list whose keys can be filtered, and the time that bounds the search.

    Keys of letters, digits, `_` and `-` can be named, up to ten deep.
    """

    names: tuple[str, ...]
    time: str

    @property
    def pattern(self) -> str:
        """The form of a parameter's name."""
        return f"^({'|'.join(self.names)}){_KEYS}$"

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """The OpenAPI parameters; exploded, an object's keys are the parameters' names."""
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
        """Tell whether a parameter of this name is meant for us, well formed or not."""
        return name.partition(".")[0] in self.names and "." in name

    def from_query(self, sent: Iterable[tuple[str, str]]) -> JsonConditions:
        """Read the parameters of a query that are ours; their values are texts."""
        own = [(name, value) for name, value in sent if self.owns(name)]
        return self._read(own, _from_text)

    def from_body(self, sent: Mapping[str, Any]) -> JsonConditions:
        """Read the members of an object; their values are JSON, a list for `in`."""
        return self._read(list(sent.items()), _from_json)

    def missing_range(self, others: Sequence[Filter]) -> list[tuple[str, str]]:
        """Return the error, if none of the other filters says from when on."""
        if any(f.field == self.time and f.operator in (Operator.GT, Operator.GTE) for f in others):
            return []
        needed = f"{self.time}__gte"
        return [(needed, "is needed beside a condition inside JSON: from when on")]

    def _read(self, sent: Sequence[tuple[str, Any]], read: Reader) -> JsonConditions:
        result = JsonConditions()
        if len(sent) > MOST_CONDITIONS:
            excess = (sent[MOST_CONDITIONS][0], f"is one too many; at most {MOST_CONDITIONS}")
            result.errors.append(excess)
        for name, value in sent[:MOST_CONDITIONS]:
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
        _check(wanted, operator)
        return Filter(outer, operator, wanted, tuple(path))


def _operator_of(name: str) -> tuple[str, Operator]:
    # A key may itself have `__` in it; only a known word after the last one is an operator.
    whole, _, word = name.rpartition("__")
    if whole and word in _OPERATORS and not whole.endswith("."):
        return whole, _OPERATORS[word]
    return name, Operator.EQ


def _from_text(text: str, operator: Operator) -> Any:
    if operator in _TEXT_ONLY:
        return text
    if operator is Operator.IN:
        return _listed([_scalar(part) for part in text.split(",")])
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
    return _listed(value)


def _listed(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(f"must be a list of 1 to {MOST_VALUES} values")
    return tuple(values)


def _check(value: Any, operator: Operator) -> None:
    for one in value if isinstance(value, tuple) else (value,):
        _check_scalar(one)
    if operator in (Operator.EQ, Operator.IN):
        return
    if value is None or (isinstance(value, bool) and operator is not Operator.NE):
        raise ValueError("can be compared with a number or a text only")
    if operator in _TEXT_ONLY and not isinstance(value, str):
        raise ValueError("must be a text")


def _check_scalar(value: Any) -> None:
    match value:
        case None | bool():
            return
        case str():
            if not 1 <= len(reject_unstorable_text(value)) <= _LONGEST:
                raise ValueError(f"must have 1 to {_LONGEST} characters")
        case int() | float():
            # Neither NaN nor infinity lies between.
            if not -_BIGGEST_INTEGER < value < _BIGGEST_INTEGER:
                raise ValueError("must be a number within 64 bits")
        case _:
            raise ValueError("must be a number, a text, true, false or null")
