"""Batches as CSV tables, as spreadsheets save them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from shared_db.results import InsertResult
from shared_web.problems import FieldError, InvalidRequest, WrongMediaType
from shared_web.requests.batches import Batch, BatchOut, validate_items
from shared_web.requests.csv_rows import TableRow, table_rows
from shared_web.requests.csv_text import TableText, table_text
from shared_web.requests.idempotency import item_ids, key_of_items
from shared_web.requests.json_bodies import MAX_NAMES
from shared_web.requests.json_items import MAX_ITEMS, InvalidItem, bounded

CSV = "text/csv"

B = TypeVar("B", bound=BaseModel)


class TableOut(BatchOut):
    """Outcome of each row, the encoding in which the table was read, and notes on it."""

    encoding: str
    notes: list[str]


@dataclass(frozen=True)
class Table(Generic[B]):
    """Parsed table: its items, the line of each, and the columns by name, from 1."""

    text: TableText
    batch: Batch[B]
    lines: Sequence[int]
    columns: Mapping[str, int]

    def answer(self, results: Sequence[InsertResult]) -> TableOut:
        """Return the response body, given the result of each valid row in order."""
        answer = self.batch.answer(results)
        for item in answer.items:
            if item.errors:
                item.errors = [
                    self._located(error, self.lines[item.index]) for error in item.errors
                ]
        return TableOut(**vars(answer), encoding=self.text.encoding, notes=self.text.notes)

    def _located(self, error: FieldError, line: int) -> FieldError:
        column = self.columns.get(error.field)
        place = f"line {line}" if column is None else f"line {line}, column {column}"
        return error.model_copy(update={"message": f"{place}: {error.message}"})


async def read_csv(request: Request, model: type[B]) -> Table[B]:
    """Parse rows under a header of the model's field names; an empty cell is an absent value.

    Raises:
        RequestValidationError: the Idempotency-Key is invalid.
        WrongMediaType: the Content-Type is not CSV, or of an unknown charset.
        InvalidRequest: the body is not of its encoding, its header does not fit the model, its
            quotes are wrong, or it has no rows.
        TooLarge: it has more than `MAX_ITEMS` rows.

    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != CSV:
        raise WrongMediaType(f"Send the table as {CSV}.")
    id_at = item_ids(request)
    body = await request.body()
    return await run_in_threadpool(_read, body, content_type, model, id_at)


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
    body: bytes, content_type: str, model: type[B], id_at: Callable[[int], str | None]
) -> Table[B]:
    text = table_text(body, content_type)
    rows = table_rows(text.text)
    names = _header(next(rows, TableRow(1, [])), model)
    lines: list[int] = []

    def items() -> Iterator[dict[str, str] | InvalidItem]:
        for row in rows:
            lines.append(row.line)
            yield _item(names, row.cells)

    batch = validate_items(bounded(items(), "The table has no rows."), model, id_at)
    return Table(text, batch, lines, {name: column for column, name in enumerate(names, 1)})


def _header(header: TableRow, model: type[BaseModel]) -> list[str]:
    fields = model.model_fields
    names = [cell.lower() for cell in _without_trailing_blanks(header.cells)]
    if len(names) > MAX_NAMES:
        raise InvalidRequest(f"The header, line {header.line}, has more than {MAX_NAMES} columns.")
    unknown = [str(place) for place, name in enumerate(names, 1) if name not in fields]
    missing = [name for name, field in fields.items() if field.is_required() and name not in names]
    if unknown or missing or len(set(names)) < len(names):
        reasons = [
            *([f"column {', '.join(unknown)} is none of {', '.join(fields)}"] if unknown else []),
            *([f"{', '.join(missing)} is missing"] if missing else []),
            *(["a name comes twice"] if len(set(names)) < len(names) else []),
        ]
        raise InvalidRequest(f"The header, line {header.line}, is wrong: {'; '.join(reasons)}.")
    return names


def _item(names: list[str], cells: list[str]) -> dict[str, str] | InvalidItem:
    if len(cells) > len(names):
        cells = [*cells[: len(names)], *_without_trailing_blanks(cells[len(names) :])]
    if len(cells) != len(names):
        return InvalidItem(f"has {len(cells)} cells, but the header has {len(names)}")
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _without_trailing_blanks(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]
