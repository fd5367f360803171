"""Batches: a JSON array or NDJSON in, one outcome per item out; valid items are stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError

from shared_db.errors import Overloaded
from shared_db.results import InsertResult, Outcome
from shared_web.problems import FieldError, documented, field_errors
from shared_web.requests.body_limit import BODY_READER, BodyReader
from shared_web.requests.idempotency import item_ids, key_of_items
from shared_web.requests.json_bodies import MAX_NAMES, located_errors, too_many_names
from shared_web.requests.json_items import MAX_ITEMS, NDJSON, InvalidItem, items_of
from shared_web.requests.storage_note import rests_on_spool
from shared_web.threads import ReservedThreads

B = TypeVar("B", bound=BaseModel)

# Python parses in one thread at a time; the second thread stores meanwhile.
_THREADS = 2
_MAX_BATCHES_IN_MEMORY = 4
_MAX_REASONS = 20_000

ItemStatus = Literal["stored", "repeated", "refused"]
REFUSALS = {
    Outcome.ERASED: FieldError(
        location="body", field="student_id", message="the student was deleted"
    ),
    Outcome.CONFLICT: FieldError(
        location="body", field="id", message="is stored with other content"
    ),
}


# A dataclass, because a model takes three times as long to build, once per item.
@dataclass(slots=True)
class ItemOut:
    """Outcome of one item; `errors` has the reasons of a refusal."""

    index: int
    outcome: ItemStatus
    id: str | None
    errors: list[FieldError] | None = None


class BatchOut(BaseModel):
    """Outcome of each item, in the order sent, and the number of each outcome."""

    items: list[ItemOut]
    stored: int
    repeated: int
    refused: int
    pending: bool = Field(
        default=False,
        exclude_if=lambda is_pending: not is_pending,
        description="True if the stored items were accepted while the database was unavailable and "
        "are not in it yet. Omitted otherwise.",
    )


def _new_id(_index: int) -> None:
    return None


@dataclass(frozen=True)
class Batch(Generic[B]):
    """Parsed batch: valid items and refusals, both by index.

    id_at: id of the item at an index that sends none; None if it gets a new one.
    """

    valid: dict[int, B]
    refused: dict[int, list[dict[str, str]]]
    id_at: Callable[[int], str | None] = _new_id

    def fields(self, id_field: str = "id") -> Iterator[Mapping[str, Any]]:
        """Yield the fields of each valid item, in order, with the id from the Idempotency-Key."""
        for index, item in self.valid.items():
            fields = vars(item)
            if fields.get(id_field, "") is None and (derived := self.id_at(index)) is not None:
                fields = {**fields, id_field: derived}
            yield fields

    def answer(self, results: Sequence[InsertResult], field: str = "id") -> BatchOut:
        """Return the response body, given the result of each valid item in order.

        field: named in the error of an item that was refused for it, otherwise its id.
        """
        items = [
            ItemOut(index, "refused", None, [FieldError(**error) for error in errors])
            for index, errors in self.refused.items()
        ]
        items += starmap(partial(_item, field), zip(self.valid, results, strict=True))
        items.sort(key=attrgetter("index"))
        counts = Counter(item.outcome for item in items)
        return BatchOut(
            items=items,
            stored=counts["stored"],
            repeated=counts["repeated"],
            refused=counts["refused"],
            pending=rests_on_spool(),
        )


def _item(field: str, index: int, result: InsertResult) -> ItemOut:
    if result.refusal is not None:
        named = field if field in result.refusal.members else "id"
        error = FieldError(location="body", field=named, message=result.refusal.title)
        return ItemOut(index, "refused", None, [error])
    if refusal := REFUSALS.get(result.outcome):
        return ItemOut(index, "refused", result.id, [refusal])
    return ItemOut(index, "stored" if result.is_stored else "repeated", result.id)


class BatchLimiter:
    """Limits of the batches of one process: bytes in memory, and threads.

    max_bytes: limit of one batch, after decompression.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self.threads = ReservedThreads(_THREADS)

    @contextmanager
    def reserving(self) -> Iterator[Callable[[int], None]]:
        """Yield a function that reserves bytes for one batch, until it is answered.

        Raises:
            Overloaded: raised by that function, if all batches together exceed the limit.

        """
        mine = 0

        def hold(size: int) -> None:
            nonlocal mine
            if self._held + size > _MAX_BATCHES_IN_MEMORY * self.max_bytes:
                raise Overloaded("More batches come in than can be stored now. Try again.")
            mine += size
            self._held += size

        try:
            yield hold
        finally:
            self._held -= mine


async def handle_batch(
    request: Request, model: type[B], store: Callable[[Batch[B]], BatchOut]
) -> Response:
    """Parse the body, validate each item by itself, and respond with the result of `store`.

    Raises:
        RequestValidationError: the Idempotency-Key is invalid.
        WrongMediaType, InvalidRequest, TooLarge: see `items_of`.
        TooLarge: the body is longer than MAX_BATCH_BYTES.
        Overloaded: there are too many batches at once.

    """
    room: BatchLimiter = request.app.state.batches
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    id_at = item_ids(request)

    def answer() -> bytes:
        batch = validate_items(items_of(body, media_type), model, id_at)
        return store(batch).model_dump_json().encode()

    with room.reserving() as hold:
        body = await batch_body(request, room.max_bytes, hold)
        content = await room.threads.run(answer)
    return Response(content, media_type="application/json")


async def batch_body(request: Request, max_bytes: int, hold: Callable[[int], None]) -> bytearray:
    """Return the body of a batch; hold: reserves its bytes, see `BatchLimiter.reserving`."""
    reader: BodyReader = request.scope[BODY_READER]
    reader.allow(max_bytes)
    body = bytearray()  # joining a list of pieces would double the memory
    async for piece in request.stream():
        hold(len(piece))
        body += piece
    return body


def validate_items(
    items: Iterable[Any], model: type[B], id_at: Callable[[int], str | None] = _new_id
) -> Batch[B]:
    """Validate each item by itself; return the valid ones, and the reasons of the others.

    id_at: as of the `Batch`.
    Each refused item has its first reasons, at least one; together they have `_MAX_REASONS`.
    """
    batch: Batch[B] = Batch({}, {}, id_at)
    validate = model.__pydantic_validator__.validate_python  # `model_validate` takes a fifth longer
    left = _MAX_REASONS
    for index, item in enumerate(items):
        reasons = None
        if type(item) is not dict or len(item) > MAX_NAMES:
            reasons = _structure_errors(item)
        if not reasons:
            try:
                batch.valid[index] = validate(item)
                continue
            except ValidationError as refusal:
                reasons = field_errors(located_errors(refusal))
        batch.refused[index] = reasons[: max(left, 1)]
        left -= len(reasons)
    return batch


def _structure_errors(item: object) -> list[dict[str, str]]:
    if isinstance(item, InvalidItem):
        return [{"location": "body", "field": "body", "message": item.why}]
    return too_many_names(item)


def batch_route(model: type[BaseModel]) -> dict[str, Any]:
    """Return the documentation of a batch route: its response, key, and formats of its body.

    `model` must also be the body of a single-item route, which adds its schema to the document.
    """
    item = {"$ref": f"#/components/schemas/{model.__name__}"}
    array = {"schema": {"type": "array", "items": item, "minItems": 1, "maxItems": MAX_ITEMS}}
    lines = {"schema": {"type": "string", "description": f"One {model.__name__} as JSON a line."}}
    content = {"application/json": array, NDJSON: lines}
    return {
        "response_model": BatchOut,
        "responses": documented(Overloaded),
        "openapi_extra": {
            "requestBody": {"required": True, "content": content},
            "parameters": [key_of_items()],
        },
    }
