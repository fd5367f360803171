"""Batches: a JSON array or NDJSON in, one outcome per item out, good items stored beside bad."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, ValidationError

from shared_db.additions import answers_from_spool
from shared_db.naming import Outcome
from shared_web.problems import (
    FieldError,
    InvalidRequest,
    TooLarge,
    WrongMediaType,
    field_errors,
)

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")

MOST_ITEMS = 10_000
NDJSON = "application/x-ndjson"


class ItemOut(BaseModel):
    """What became of one item; `errors` tells why it was refused."""

    index: int
    outcome: Literal["stored", "repeated", "refused"]
    id: str | None
    errors: list[FieldError] | None = None


class BatchOut(BaseModel):
    """What became of each item, in the order sent, and how many of each."""

    items: list[ItemOut]
    stored: int
    repeated: int
    refused: int
    pending: bool = Field(
        default=False,
        exclude_if=lambda is_pending: not is_pending,
        description="True when what is called stored was accepted while the database was away and "
        "is not in it yet. Left out otherwise.",
    )


@dataclass(frozen=True)
class Batch(Generic[B]):
    """A batch as read: the items that are valid and the refusals, both by index."""

    valid: dict[int, B]
    refused: dict[int, list[dict[str, str]]]

    def answer(self, ids: Sequence[str], outcomes: Sequence[Outcome]) -> BatchOut:
        """Return the answer, given the id and outcome of each valid item in order."""
        items = {index: _refused(index, errors) for index, errors in self.refused.items()}
        for index, id_, outcome in zip(self.valid, ids, outcomes, strict=True):
            items[index] = _item(index, id_, outcome)
        return _counted([items[index] for index in sorted(items)])


def _counted(items: list[ItemOut]) -> BatchOut:
    counts = dict.fromkeys(("stored", "repeated", "refused"), 0)
    for item in items:
        counts[item.outcome] += 1
    return BatchOut(items=items, **counts, pending=answers_from_spool())


def _item(index: int, id_: str, outcome: Outcome) -> ItemOut:
    if outcome is Outcome.GONE:
        gone = FieldError(location="body", field="student_id", message="the student was deleted")
        return ItemOut(index=index, outcome="refused", id=id_, errors=[gone])
    if outcome is Outcome.DIFFERENT:
        taken = FieldError(location="body", field="id", message="is stored with other content")
        return ItemOut(index=index, outcome="refused", id=id_, errors=[taken])
    return ItemOut(index=index, outcome=outcome.value, id=id_)


def _refused(index: int, errors: list[dict[str, str]]) -> ItemOut:
    described = [FieldError(**error) for error in errors]
    return ItemOut(index=index, outcome="refused", id=None, errors=described)


async def read_batch(request: Request, model: type[B]) -> Batch[B]:
    """Read the body's items and validate each on its own.

    Raises:
        WrongMediaType: the body is called neither JSON nor NDJSON.
        InvalidRequest: it is no JSON array, or has no items.
        TooLarge: more than `MOST_ITEMS` items.

    """
    body = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # In a thread, because ten thousand items take long enough to hold up everybody else.
    return await run_in_threadpool(_read, body, media_type, model)


def _read(body: bytes, media_type: str, model: type[B]) -> Batch[B]:
    items = _lines(body) if media_type == NDJSON else _array(body, media_type)
    if not items:
        raise InvalidRequest("The batch has no items.")
    return validated(bounded(items), model)


def bounded(items: list[T]) -> list[T]:
    """Return the items if one batch may have so many.

    Raises:
        TooLarge: more than `MOST_ITEMS`.

    """
    if len(items) > MOST_ITEMS:
        raise TooLarge(f"The batch has {len(items)} items; send at most {MOST_ITEMS} at once.")
    return items


def _array(body: bytes, media_type: str) -> list[Any]:
    if media_type != "application/json":
        raise WrongMediaType(f"Send a JSON array as application/json, or lines as {NDJSON}.")
    try:
        items = json.loads(body)
    except json.JSONDecodeError as failure:
        detail = f"The body is not JSON: look at character {failure.pos}."
        raise InvalidRequest(detail) from failure
    except (ValueError, RecursionError) as failure:
        raise InvalidRequest("The body cannot be read as JSON.") from failure
    if not isinstance(items, list):
        raise InvalidRequest("The body must be a JSON array.")
    return items


def _lines(body: bytes) -> list[Any]:
    return [_line(line) for line in bounded([line for line in body.split(b"\n") if line.strip()])]


@dataclass(frozen=True)
class Broken:
    """An item that could not even be read, and why."""

    why: str


def _line(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return Broken("is not JSON")


def validated(items: list[Any], model: type[B]) -> Batch[B]:
    """Return the items as the model reads each on its own, the refused ones with their reasons."""
    batch: Batch[B] = Batch({}, {})
    for index, item in enumerate(items):
        if isinstance(item, Broken):
            broken = {"location": "body", "field": "body", "message": item.why}
            batch.refused[index] = [broken]
            continue
        try:
            batch.valid[index] = model.model_validate(item)
        except ValidationError as refusal:
            errors = refusal.errors(include_input=False, include_url=False)
            batch.refused[index] = field_errors([{**e, "loc": ("body", *e["loc"])} for e in errors])
    return batch


def batch_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return a route's `openapi_extra` that documents both spellings of a batch.

    `model` must also be the body of a single-item route, which puts it into the document.
    """
    item = {"$ref": f"#/components/schemas/{model.__name__}"}
    array = {"schema": {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_ITEMS}}
    lines = {"schema": {"type": "string", "description": f"One {model.__name__} as JSON a line."}}
    return {
        "requestBody": {"required": True, "content": {"application/json": array, NDJSON: lines}}
    }
