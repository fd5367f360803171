"""Batches: a JSON array or NDJSON in, one outcome per item out, good items stored beside bad."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError

from shared_db.errors import Overloaded
from shared_db.spool.writes import answers_from_spool
from shared_db.writes.idempotent_insert import Outcome
from shared_web.problems import MOST_ERRORS, FieldError, documented, field_errors
from shared_web.requests.body_limit import BODY_READER, BodyReader
from shared_web.requests.json_bodies import MOST_NAMES, too_many_names
from shared_web.requests.json_items import MOST_ITEMS, NDJSON, InvalidItem, items_of

B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")

# Parsing is Python's work, which two threads do not do faster than one; the other one stores.
_THREADS = 2
_HELD_AT_ONCE = 4
_MOST_REASONS = 20_000


ItemStatus = Literal["stored", "repeated", "refused"]
_BECAME: dict[Outcome, ItemStatus] = {Outcome.STORED: "stored", Outcome.REPEATED: "repeated"}


# No model, which would take three times as long to make: there is one for each item of a batch.
@dataclass(slots=True)
class ItemOut:
    """What became of one item; `errors` tells why it was refused."""

    index: int
    outcome: ItemStatus
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
    if outcome is Outcome.ERASED:
        gone = FieldError(location="body", field="student_id", message="the student was deleted")
        return ItemOut(index, "refused", id_, [gone])
    if outcome is Outcome.CONFLICT:
        taken = FieldError(location="body", field="id", message="is stored with other content")
        return ItemOut(index, "refused", id_, [taken])
    return ItemOut(index, _BECAME[outcome], id_)


def _refused(index: int, errors: list[dict[str, str]]) -> ItemOut:
    described = [FieldError(**error) for error in errors]
    return ItemOut(index, "refused", None, described)


class BatchLimiter:
    """What the batches of one process may take: bytes that are held, and threads that read them.

    max_bytes: of one batch, after decompressing.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held = 0
        self._threads: CapacityLimiter | None = None

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Give what counts the bytes of one batch, until it is answered.

        Raises:
            Overloaded: when called, if all batches together come to too many.

        """
        mine = 0

        def hold(size: int) -> None:
            nonlocal mine
            if self._held + size > _HELD_AT_ONCE * self.max_bytes:
                raise Overloaded("More batches come in than can be stored now. Try again.")
            mine += size
            self._held += size

        try:
            yield hold
        finally:
            self._held -= mine

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread of those for batches, so that other routes keep theirs."""
        if self._threads is None:
            self._threads = CapacityLimiter(_THREADS)
        return await to_thread.run_sync(work, limiter=self._threads)


async def handle_batch(
    request: Request, model: type[B], store: Callable[[Batch[B]], BatchOut]
) -> Response:
    """Read the body's items, validate each on its own, and answer with what `store` returns.

    Raises:
        WrongMediaType: the body is called neither JSON nor NDJSON.
        InvalidRequest: it is no JSON array, or has no items.
        TooLarge: more than `MOST_ITEMS` items, `MOST_VALUES` values or MAX_BATCH_BYTES, or in an
            array an item longer than `LONGEST_ITEM`.
        Overloaded: too many batches at once.

    """
    room: BatchLimiter = request.app.state.batches
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()

    def answer() -> bytes:
        batch = validated(items_of(body, media_type), model)
        return store(batch).model_dump_json().encode()

    with room.holding() as hold:
        body = await _body(request, room.max_bytes, hold)
        content = await room.run(answer)
    return Response(content, media_type="application/json")


async def _body(request: Request, max_bytes: int, hold: Callable[[int], None]) -> bytearray:
    reader: BodyReader = request.scope[BODY_READER]
    reader.allow(max_bytes)
    body = bytearray()  # pieces that are joined would for a moment be there twice
    async for piece in request.stream():
        hold(len(piece))
        body += piece
    return body


def validated(items: Iterable[Any], model: type[B]) -> Batch[B]:
    """Return the items as the model reads each on its own, the refused ones with their reasons.

    Of each refused item the first reasons are told, at least one, of all up to `_MOST_REASONS`.
    """
    batch: Batch[B] = Batch({}, {})
    validate = model.__pydantic_validator__.validate_python  # the method takes a fifth longer
    left = _MOST_REASONS
    for index, item in enumerate(items):
        reasons = None
        if type(item) is not dict or len(item) > MOST_NAMES:
            reasons = _unreadable(item)
        if not reasons:
            try:
                batch.valid[index] = validate(item)
                continue
            except ValidationError as refusal:
                reasons = _reasons(refusal)
        batch.refused[index] = reasons[: max(left, 1)]
        left -= len(reasons)
    return batch


def _unreadable(item: object) -> list[dict[str, str]]:
    if isinstance(item, InvalidItem):
        return [{"location": "body", "field": "body", "message": item.why}]
    return too_many_names(item)


def _reasons(refusal: ValidationError) -> list[dict[str, str]]:
    errors = refusal.errors(include_input=False, include_url=False)[:MOST_ERRORS]
    return field_errors([{**error, "loc": ("body", *error["loc"])} for error in errors])


def batch_route(model: type[BaseModel]) -> dict[str, Any]:
    """Return what documents a route of batches: its answer, and both spellings of its body.

    `model` must also be the body of a single-item route, which puts it into the document.
    """
    item = {"$ref": f"#/components/schemas/{model.__name__}"}
    array = {"schema": {"type": "array", "items": item, "minItems": 1, "maxItems": MOST_ITEMS}}
    lines = {"schema": {"type": "string", "description": f"One {model.__name__} as JSON a line."}}
    content = {"application/json": array, NDJSON: lines}
    return {
        "response_model": BatchOut,
        "responses": documented(Overloaded),
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }
