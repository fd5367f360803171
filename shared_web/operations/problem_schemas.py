"""Problems in the OpenAPI document of a service."""

from typing import Any

from fastapi import FastAPI

from shared_web.problems import MEDIA_TYPE, SCHEMA_REFERENCE, Problem, documented
from shared_web.requests.body_limit import BODY_REFUSALS


def document_problems(app: FastAPI) -> None:
    """Add the schema of problems, and the refusals of bodies, to the OpenAPI document."""
    generate = app.openapi

    def with_problem() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        _add_schema(schemas, Problem.model_json_schema(ref_template=SCHEMA_REFERENCE))
        refusals = {str(status): each for status, each in documented(*BODY_REFUSALS).items()}
        for path in document["paths"].values():
            for operation in path.values():
                if "requestBody" in operation:
                    _add_refusals(operation["responses"], refusals)
                    operation["requestBody"] = _refer(operation["requestBody"], schemas)
        return document

    app.openapi = with_problem  # type: ignore[method-assign] # as FastAPI documents it


def _add_refusals(responses: dict[str, Any], refusals: dict[str, Any]) -> None:
    for status, refusal in refusals.items():
        # A route that answers in another format documents that itself.
        if status not in responses or MEDIA_TYPE in responses[status].get("content", {}):
            responses[status] = refusal


def _refer(body: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    # FastAPI moves schemas to the components, but not those of `json_body`.
    schema = body["content"].get("application/json", {}).get("schema", {})
    if "properties" not in schema:
        return body
    _add_schema(schemas, schema)
    reference = {"$ref": SCHEMA_REFERENCE.format(model=schema["title"])}
    return {**body, "content": {"application/json": {"schema": reference}}}


def _add_schema(schemas: dict[str, Any], schema: dict[str, Any]) -> None:
    own = {name: value for name, value in schema.items() if name != "$defs"}
    schemas.update(schema.get("$defs", {}), **{schema["title"]: own})
