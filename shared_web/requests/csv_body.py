"""Batches as CSV, separated by commas or semicolons, as spreadsheets save them."""

import csv
from collections.abc import Iterator
from typing import Any, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from shared_web.problems import InvalidRequest, WrongMediaType
from shared_web.requests.batches import Batch, validate_items
from shared_web.requests.json_bodies import MAX_NAMES
from shared_web.requests.json_items import MAX_ITEMS, InvalidItem, bounded

CSV = "text/csv"

B = TypeVar("B", bound=BaseModel)


async def read_csv(request: Request, model: type[B]) -> Batch[B]:
    """Parse rows under a header of the model's field names; an empty cell is an absent value.

    Raises:
        WrongMediaType: the Content-Type is not CSV.
        InvalidRequest: the body is not UTF-8, its header does not fit the model, or it has no rows.
        TooLarge: it has more than `MAX_ITEMS` rows.

    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != CSV:
        raise WrongMediaType(f"Send the table as {CSV}.")
    body = await request.body()
    return await run_in_threadpool(_read, body, model)


def csv_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` that documents the table."""
    names = ", ".join(model.model_fields)
    about = (
        f"A header, then up to {MAX_ITEMS} rows. Columns, in any order: {names}; columns of "
        "optional fields may be omitted. Separated by commas or semicolons, UTF-8 with or "
        "without byte order mark."
    )
    schema = {"type": "string", "description": about}
    return {"requestBody": {"required": True, "content": {CSV: {"schema": schema}}}}


def _read(body: bytes, model: type[B]) -> Batch[B]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        detail = f"The table is not UTF-8: look at byte {failure.start}. Save it as CSV UTF-8."
        raise InvalidRequest(detail) from failure
    lines = text.splitlines(keepends=True)
    header_line = lines[0] if lines else ""
    separator = ";" if header_line.count(";") > header_line.count(",") else ","
    rows = _rows(lines, separator)
    names = _header(next(rows, []), model)
    items = (_item(names, row) for row in rows if any(cell.strip() for cell in row))
    return validate_items(bounded(items, "The table has no rows."), model)


def _rows(lines: list[str], separator: str) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as failure:
        detail = f"The table cannot be read: look at line {reader.line_num}, perhaps a quote."
        raise InvalidRequest(detail) from failure


def _header(cells: list[str], model: type[BaseModel]) -> list[str]:
    fields = model.model_fields
    if len(cells) > MAX_NAMES:
        raise InvalidRequest(f"The header, the first line, has more than {MAX_NAMES} columns.")
    names = [cell.strip().lower() for cell in cells]
    unknown = [str(place) for place, name in enumerate(names, 1) if name not in fields]
    missing = [name for name, field in fields.items() if field.is_required() and name not in names]
    if unknown or missing or len(set(names)) < len(names):
        reasons = [
            *([f"column {', '.join(unknown)} is none of {', '.join(fields)}"] if unknown else []),
            *([f"{', '.join(missing)} is missing"] if missing else []),
            *(["a name comes twice"] if len(set(names)) < len(names) else []),
        ]
        raise InvalidRequest(f"The header, the first line, is wrong: {'; '.join(reasons)}.")
    return names


def _item(names: list[str], cells: list[str]) -> dict[str, str] | InvalidItem:
    if len(cells) != len(names):
        return InvalidItem(f"has {len(cells)} cells, but the header has {len(names)}")
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}
