"""Refusal of query parameters that a route does not declare, so that typing errors are noticed."""

from collections import Counter
from functools import cached_property
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams

from shared_web.problems import MAX_ERRORS
from shared_web.query.filters import FilterSet


class DeclaredParameters:
    """Query parameters of one route and of its dependencies."""

    def __init__(self, route: APIRoute) -> None:
        self._route = route
        calls = [dependency.call for dependency in route.dependant.dependencies]
        fields = [call.json_field for call in calls if isinstance(call, FilterSet)]
        self._json_fields = [field for field in fields if field is not None]

    def reject_others(self, query: QueryParams) -> None:
        """Refuse parameters that are not declared, or are repeated and not a list.

        Raises:
            RequestValidationError: names the first `MAX_ERRORS` of them.

        """
        errors: list[dict[str, Any]] = []
        for name, count in Counter(name for name, _ in query.multi_items()).items():
            if name in self._may_repeat:
                if count > 1 and not self._may_repeat[name]:
                    errors.append(_error(name, "is given more than once"))
            elif not any(field.owns(name) for field in self._json_fields):
                errors.append(_error(name, "is no parameter of this route; see /docs"))
            if len(errors) == MAX_ERRORS:
                break
        if errors:
            raise RequestValidationError(errors)

    @cached_property
    def _may_repeat(self) -> dict[str, bool]:
        document = get_openapi(title="-", version="-", routes=[self._route])
        [operation] = document["paths"][self._route.path_format].values()
        return {
            parameter["name"]: _is_list(parameter["schema"])
            for parameter in operation.get("parameters", ())
            # Conditions inside JSON are parameters of other names.
            if parameter["in"] == "query" and "patternProperties" not in parameter["schema"]
        }


def _is_list(schema: dict[str, Any]) -> bool:
    return any(kind.get("type") == "array" for kind in (schema, *schema.get("anyOf", ())))


def _error(name: str, message: str) -> dict[str, Any]:
    return {"type": "unknown_parameter", "loc": ("query", name), "msg": message}
