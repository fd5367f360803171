"""Filters of lists: fields and operators, declared once and documented in OpenAPI."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import GenericAlias
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, create_model

from shared_db.queries.filters import Filter, Operator
from shared_web.problems import safe_name
from shared_web.query.json_filters import JsonConditions, JsonField
from shared_web.requests.fields import Body, Instant, Number, Term
from shared_web.requests.json_bodies import MAX_NAMES

__all__ = [
    "Count",
    "FilterField",
    "FilterSet",
    "JsonField",
    "choice",
    "day",
    "flag",
    "instant",
    "number",
    "parameter_name",
    "split_at_commas",
    "text",
]

# This many values of ordinary length fit into a URL that servers and proxies accept.
MAX_VALUES = 100
MAX_ERRORS = 20

_TEXT = (Operator.EQ, Operator.NE, Operator.IN, Operator.CONTAINS, Operator.STARTSWITH)
_ORDERED = (Operator.EQ, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
_CHOSEN = (Operator.EQ, Operator.NE, Operator.IN)
_DESCRIPTIONS = {
    Operator.EQ: "is equal to this",
    Operator.NE: "is present and not equal to this",
    Operator.GT: "is greater or later than this",
    Operator.GTE: "is equal to this, or greater or later",
    Operator.LT: "is less or earlier than this",
    Operator.LTE: "is equal to this, or less or earlier",
    Operator.IN: "is one of these; separated by commas, or repeated",
    Operator.CONTAINS: "contains this; upper and lower case differ",
    Operator.STARTSWITH: "begins with this; upper and lower case differ",
}

Count = Annotated[
    Literal["exact"] | None,
    Query(description="`exact`: also count all matching items, which reads all of them."),
]


@dataclass(frozen=True)
class FilterField:
    """Field by which a list can be filtered: name, type of the values, operators."""

    name: str
    kind: Any
    operators: tuple[Operator, ...]


def text(name: str) -> FilterField:
    """Declare a text; it is compared by code point, so upper and lower case differ."""
    return FilterField(name, Term, _TEXT)


def number(name: str) -> FilterField:
    """Declare a number."""
    return FilterField(name, Number, (*_ORDERED, Operator.IN))


def instant(name: str) -> FilterField:
    """Declare an instant."""
    return FilterField(name, Instant, _ORDERED)


def day(name: str, kind: Any) -> FilterField:
    """Declare a day; kind: the type that validates it."""
    return FilterField(name, kind, _ORDERED)


def choice(name: str, kind: type[StrEnum]) -> FilterField:
    """Declare a value of an enum."""
    return FilterField(name, Annotated[kind, Field(strict=False)], _CHOSEN)


def flag(name: str) -> FilterField:
    """Declare a boolean."""
    return FilterField(name, bool, (Operator.EQ,))


@dataclass(frozen=True)
class _Parameter:
    field: FilterField
    operator: Operator

    @property
    def name(self) -> str:
        return parameter_name(self.field.name, self.operator)

    @property
    def kind(self) -> Any:
        if self.operator is Operator.IN:
            return Annotated[
                GenericAlias(list, (self.field.kind,)), Field(min_length=1, max_length=MAX_VALUES)
            ]
        return self.field.kind

    @property
    def in_query(self) -> inspect.Parameter:
        meaning = f"Only where `{self.field.name}` {_DESCRIPTIONS[self.operator]}."
        kind: Any = self.kind
        if self.operator is Operator.IN:
            kind = Annotated[kind, BeforeValidator(split_at_commas)]
        annotation = Annotated[kind | None, Query(description=meaning)]
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )

    def filter(self, value: Any) -> Filter:
        plain = tuple(value) if self.operator is Operator.IN else value
        return Filter(self.field.name, self.operator, plain)


def parameter_name(field: str, operator: Operator) -> str:
    """Return the parameter of a condition: `source`, `source__in`."""
    return field if operator is Operator.EQ else f"{field}__{operator}"


def split_at_commas(values: object) -> object:
    """Return the values of a repeated parameter, each split at commas."""
    if not isinstance(values, list):
        return values
    return [part for value in values for part in str(value).split(",")]


class FilterSet:
    """Filters of one list.

    As a FastAPI dependency (`Annotated[Filters, Depends(LOGS)]`) it parses the query; `from_body`
    parses a JSON object with the same names.
    """

    def __init__(self, *fields: FilterField, json_field: JsonField | None = None) -> None:
        self.json_field = json_field
        parameters = [_Parameter(field, op) for field in fields for op in field.operators]
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._body = _body_model(parameters)
        request = inspect.Parameter(
            "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request
        )
        # FastAPI reads it, so each condition is a documented and validated query parameter.
        self.__signature__ = inspect.Signature([request, *(p.in_query for p in parameters)])

    async def __call__(self, request: Request, **values: Any) -> tuple[Filter, ...]:
        """Return the filters of a request.

        Raises:
            RequestValidationError: a condition inside JSON is not valid.

        """
        inside = JsonConditions()
        if self.json_field is not None:
            inside = self.json_field.from_query(request.query_params.multi_items())
        found, errors = self._combined(values, inside)
        if errors:
            raise RequestValidationError(
                [{"type": "filter", "loc": ("query", name), "msg": why} for name, why in errors]
            )
        return found

    def from_body(self, sent: Any) -> tuple[Filter, ...]:
        """Return the filters of a JSON object with the same names as the query's parameters.

        Raises:
            ValueError: a name or value is not valid; the text names the field, not the value.

        """
        if not isinstance(sent, dict):
            raise ValueError("must be an object")  # noqa: TRY004 - pydantic makes it a 422
        if len(sent) > MAX_NAMES:
            raise ValueError(f"must not have more than {MAX_NAMES} conditions")
        inside = JsonConditions()
        if self.json_field is not None:
            own = {name: value for name, value in sent.items() if self.json_field.owns(name)}
            inside = self.json_field.from_body(own)
            sent = {name: value for name, value in sent.items() if name not in own}
        found, errors = self._combined(self._validated(sent), inside)
        if errors:
            raise ValueError("; ".join(f"{safe_name(name)}: {why}" for name, why in errors))
        return found

    @property
    def json_schema(self) -> dict[str, Any]:
        """JSON schema of the object that `from_body` parses."""
        schema = self._body.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        if self.json_field is not None:
            schema["patternProperties"] = {self.json_field.pattern: {}}
        return schema

    @property
    def openapi_extra(self) -> dict[str, Any]:
        """`openapi_extra` of a route, which documents the conditions inside JSON."""
        return {"parameters": self.json_field.parameters} if self.json_field else {}

    def _combined(
        self, values: Mapping[str, Any], inside: JsonConditions
    ) -> tuple[tuple[Filter, ...], list[tuple[str, str]]]:
        found = [
            parameter.filter(values[name])
            for name, parameter in self._parameters.items()
            if values.get(name) is not None
        ]
        errors = list(inside.errors)
        if self.json_field is not None and inside.filters:
            errors += self.json_field.missing_range(found)
        return (*found, *inside.filters), errors

    def _validated(self, sent: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._body.model_validate(sent).model_dump(exclude_unset=True)
        except ValidationError as refusal:
            errors = refusal.errors(include_input=False, include_url=False)
            named = [
                f"{safe_name(error['loc'][0])}: {error['msg']}" for error in errors[:MAX_ERRORS]
            ]
            raise ValueError("; ".join(named)) from None


def _body_model(parameters: Sequence[_Parameter]) -> type[BaseModel]:
    fields: dict[str, Any] = {p.name: (p.kind | None, None) for p in parameters}
    return create_model("Filter", __base__=Body, **fields)
