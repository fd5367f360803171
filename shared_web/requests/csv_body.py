"""Batches as CSV tables, as spreadsheets save them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from shared_db.results import InsertResult, Outcome
from shared_web.problems import FieldError, WrongMediaType
from shared_web.requests.batches import REFUSALS, Batch, validate_items
from shared_web.requests.csv_rows import TableRow, table_rows
from shared_web.requests.csv_text import TableText, table_text
from shared_web.requests.idempotency import item_ids, key_of_items
from shared_web.requests.json_items import MAX_ITEMS, InvalidItem, bounded
from shared_web.requests.storage_note import rests_on_spool
from shared_web.requests.tables.cells import converted, converters
from shared_web.requests.tables.columns import Columns, columns_of, parsed_map

CSV = "text/csv"

B = TypeVar("B", bound=BaseModel)

RowStatus = Literal["stored", "changed", "repeated", "refused"]
_STATUS: dict[Outcome, RowStatus] = {
    Outcome.STORED: "stored",
    Outcome.CHANGED: "changed",
    Outcome.REPEATED: "repeated",
}


# A dataclass, as `ItemOut` is.
@dataclass(slots=True)
class RowOut:
    """Outcome of one row; `line` is that of the table, `errors` has the reasons of a refusal."""

    index: int
    line: int
    outcome: RowStatus
    id: str | None
    errors: list[FieldError] | None = None


class TableOut(BaseModel):
    """Outcome of each row and the number of each outcome; encoding of the table, notes on it."""

    items: list[RowOut]
    stored: int
    changed: int
    repeated: int
    refused: int
    pending: bool = Field(
        default=False,
        exclude_if=lambda is_pending: not is_pending,
        description="True if the stored rows were accepted while the database was unavailable and "
        "are not in it yet. Omitted otherwise.",
    )
    dry_run: bool = Field(description="True if nothing was stored.")
    encoding: str
    notes: list[str]


@dataclass(frozen=True)
class Table(Generic[B]):
    """Parsed table: its items, the line of each, and the columns."""

    text: TableText
    batch: Batch[B]
    lines: Sequence[int]
    columns: Columns

    def answer(self, results: Sequence[InsertResult], *, is_dry: bool = False) -> TableOut:
        """Return the response body, given the result of each valid row in order."""
        rows = [
            self._row(index, "refused", None, [FieldError(**error) for error in errors])
            for index, errors in self.batch.refused.items()
        ]
        for index, result in zip(self.batch.valid, results, strict=True):
            error = refusal_of(result, self.columns.parts)
            status = "refused" if error else _STATUS[result.outcome]
            rows.append(self._row(index, status, result.id, [error] if error else None))
        rows.sort(key=attrgetter("index"))
        counts = Counter(row.outcome for row in rows)
        return TableOut(
            items=rows,
            stored=counts["stored"],
            changed=counts["changed"],
            repeated=counts["repeated"],
            refused=counts["refused"],
            pending=rests_on_spool(),
            dry_run=is_dry,
            encoding=self.text.encoding,
            notes=self.text.notes,
        )

    def _row(
        self, index: int, status: RowStatus, id_: str | None, errors: list[FieldError] | None
    ) -> RowOut:
        line = self.lines[index]
        located = [self._located(error, line) for error in errors] if errors else None
        return RowOut(index, line, status, id_, located)

    def _located(self, error: FieldError, line: int) -> FieldError:
        column = self.columns.place(error.field)
        place = f"line {line}" if column is None else f"line {line}, column {column}"
        return error.model_copy(update={"message": f"{place}: {error.message}"})


def refusal_of(result: InsertResult, fields: Collection[str]) -> FieldError | None:
    """Return the error of a row that was not stored, at the field of the table; else None."""
    if result.refusal is None:
        return REFUSALS.get(result.outcome)
    members = result.refusal.members
    names = [members.get("field"), *members]
    field = next((name for name in names if name in fields), "id")
    return FieldError(location="body", field=field, message=result.refusal.detail)


async def read_csv(request: Request, model: type[B], column_map: str | None = None) -> Table[B]:
    """Parse rows under a header; an empty cell is an absent value.

    column_map: the columns of the fields; without it the header has the model's field names.

    Raises:
        RequestValidationError: the Idempotency-Key is invalid.
        WrongMediaType: the Content-Type is not CSV, or of an unknown charset.
        InvalidRequest: the body is not of its encoding, its header does not fit the model or
            the map, its quotes are wrong, or it has no rows.
        TooLarge: it has more than `MAX_ITEMS` rows.

    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != CSV:
        raise WrongMediaType(f"Send the table as {CSV}.")
    id_at = item_ids(request)
    chosen = None if column_map is None else parsed_map(column_map, model)
    body = await request.body()
    return await run_in_threadpool(_read, body, content_type, model, chosen, id_at)


def csv_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` that documents the table."""
    names = ", ".join(model.model_fields)
    about = (
        f"A header, then up to {MAX_ITEMS} rows. Columns, in any order: {names}; columns of "
        "optional fields may be omitted. Separated by commas, semicolons or tabs; a first line "
        "`sep=;` names the separator. UTF-8, or the charset of the Content-Type: utf-16, "
        "windows-1252."
    )
    schema = {"type": "string", "description": about}
    return {
        "requestBody": {"required": True, "content": {CSV: {"schema": schema}}},
        "parameters": [key_of_items()],
    }


def _read(
    body: bytes,
    content_type: str,
    model: type[B],
    chosen: Mapping[str, str] | None,
    id_at: Callable[[int], str | None],
) -> Table[B]:
    text = table_text(body, content_type)
    rows = table_rows(text.text)
    columns = columns_of(next(rows, TableRow(1, [])), model, chosen)
    lines: list[int] = []

    def items() -> Iterator[dict[str, Any] | InvalidItem]:
        for row in rows:
            lines.append(row.line)
            yield row_item(row, columns, model)

    batch = validate_items(bounded(items(), "The table has no rows."), model, id_at)
    return Table(text, batch, lines, columns)


def row_item(
    row: TableRow, columns: Columns, model: type[BaseModel]
) -> dict[str, Any] | InvalidItem:
    """Return the fields of a row with values of the model's types."""
    item = columns.item(row.cells)
    return item if isinstance(item, InvalidItem) else converted(item, converters(model))
