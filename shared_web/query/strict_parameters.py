"""Query parameters that a route does not know are refused, so that typing errors are heard."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from shared_web.problems import MOST_ERRORS
from shared_web.query.filters import FilterSet
from shared_web.query.json_filters import JsonField


@dataclass(frozen=True)
class _Known:
    """The parameters of one route: whether each may be repeated, and who owns names inside JSON."""

    may_repeat: dict[str, bool]
    json_fields: tuple[JsonField, ...]


# By endpoint, because a request should not pay for looking its route over again.
_KNOWN: WeakKeyDictionary[Callable[..., Any], _Known] = WeakKeyDictionary()


def _known(route: APIRoute) -> _Known:
    if route.endpoint not in _KNOWN:
        _KNOWN[route.endpoint] = _look_over(route)
    return _KNOWN[route.endpoint]


def _look_over(route: APIRoute) -> _Known:
    may_repeat = {
        parameter.alias: _is_list(parameter.field_info.annotation)
        for parameter in get_flat_params(route.dependant)
        if isinstance(parameter.field_info, Query)
    }
    calls = [dependency.call for dependency in route.dependant.dependencies]
    fields = [call.json_field for call in calls if isinstance(call, FilterSet)]
    return _Known(may_repeat, tuple(field for field in fields if field is not None))


def _is_list(annotation: Any) -> bool:
    # As the documents say it, so that they and the answers agree.
    schema = TypeAdapter(annotation).json_schema()
    return any(kind.get("type") == "array" for kind in (schema, *schema.get("anyOf", ())))


async def reject_unknown_parameters(request: Request) -> None:
    """Refuse query parameters that the route does not declare, or that come twice.

    Raises:
        RequestValidationError: names the first of them.

    """
    known = _known(request.scope["route"])
    errors: list[dict[str, Any]] = []
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name in known.may_repeat:
            if count > 1 and not known.may_repeat[name]:
                errors.append(_error(name, "is given more than once"))
        elif not any(field.owns(name) for field in known.json_fields):
            errors.append(_error(name, "is no parameter of this route; see /docs"))
        if len(errors) == MOST_ERRORS:
            break
    if errors:
        raise RequestValidationError(errors)


def _error(name: str, message: str) -> dict[str, Any]:
    return {"type": "unknown_parameter", "loc": ("query", name), "msg": message}
