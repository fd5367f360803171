"""Columns of a table: the field of each, by its name or by a map of the caller.

A map is `field:column` pairs, separated by commas, such as `name:First name+Last name,type:=exam`.
`+` joins columns, `=` begins a constant. A pair with a comma is quoted as in CSV.
"""

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from shared_web.problems import InvalidRequest, safe_name
from shared_web.requests.csv_rows import TableRow
from shared_web.requests.json_bodies import MAX_NAMES
from shared_web.requests.json_items import InvalidItem

# Column from 0, or a constant.
Part = int | str


@dataclass(frozen=True)
class Columns:
    """Columns of a table.

    width: their number. parts: the parts of each field that the table has.
    """

    width: int
    parts: Mapping[str, Sequence[Part]]

    def place(self, field: str) -> int | None:
        """Return the first column of a field, from 1; None for a constant or another name."""
        columns = [part for part in self.parts.get(field, ()) if isinstance(part, int)]
        return columns[0] + 1 if columns else None

    def item(self, cells: list[str]) -> dict[str, str] | InvalidItem:
        """Return the fields of a row; an empty cell is an absent field."""
        if len(cells) > self.width:
            cells = [*cells[: self.width], *without_trailing_blanks(cells[self.width :])]
        if len(cells) != self.width:
            return InvalidItem(f"has {len(cells)} cells, but the header has {self.width}")
        texts = {field: _text(parts, cells) for field, parts in self.parts.items()}
        return {field: text for field, text in texts.items() if text}


def parsed_map(text: str, model: type[BaseModel]) -> dict[str, str]:
    """Return the columns by field of a map.

    Raises:
        InvalidRequest: it has a pair without colon, or a field that is unknown or comes twice.

    """
    try:
        pairs = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as failure:
        raise InvalidRequest("`map` has a quote that is not closed.") from failure
    found: dict[str, str] = {}
    for pair in pairs:
        name, _, column = (part.strip() for part in pair.partition(":"))
        field = name.lower()
        if not column:
            raise InvalidRequest("`map` has pairs of a field and a column, as name:Full Name.")
        if field not in model.model_fields:
            known = ", ".join(model.model_fields)
            raise InvalidRequest(f"`map` has {safe_name(name)}, which is none of {known}.")
        if field in found:
            raise InvalidRequest(f"`map` has {field} twice.")
        found[field] = column
    return found


def columns_of(
    header: TableRow, model: type[BaseModel], chosen: Mapping[str, str] | None = None
) -> Columns:
    """Return the columns of a header.

    chosen: the map. Fields that it lacks are taken from the column of their name, and columns that
    no field needs are ignored. Without a map each column must be a field.

    Raises:
        InvalidRequest: a column is missing, unknown or ambiguous.

    """
    names = [_comparable(cell) for cell in without_trailing_blanks(header.cells)]
    if len(names) > MAX_NAMES:
        raise InvalidRequest(f"The header, line {header.line}, has more than {MAX_NAMES} columns.")
    wanted = {field: field for field in model.model_fields if field in names}
    wanted |= chosen or {}
    if chosen is None:
        reasons = _faults(names, model)
        parts: dict[str, Sequence[Part]] = {}
    else:
        reasons = []
        parts = {field: _parts(column, names, reasons) for field, column in wanted.items()}
    missing = [
        name
        for name, field in model.model_fields.items()
        if field.is_required() and name not in wanted
    ]
    reasons += [f"{', '.join(missing)} is missing"] if missing else []
    if reasons:
        raise InvalidRequest(f"The header, line {header.line}, is wrong: {'; '.join(reasons)}.")
    if chosen is None:
        parts = {name: [column] for column, name in enumerate(names)}
    return Columns(len(names), parts)


def without_trailing_blanks(cells: list[str]) -> list[str]:
    """Return the cells up to the last one that is not blank."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _faults(names: Sequence[str], model: type[BaseModel]) -> list[str]:
    fields = model.model_fields
    unknown = [str(place) for place, name in enumerate(names, 1) if name not in fields]
    return [
        *([f"column {', '.join(unknown)} is none of {', '.join(fields)}"] if unknown else []),
        *(["a name comes twice"] if len(set(names)) < len(names) else []),
    ]


def _parts(column: str, names: Sequence[str], reasons: list[str]) -> list[Part]:
    """Return the parts of a field, and append the reasons why they cannot be found."""
    texts: Iterable[str] = [column] if _comparable(column) in names else column.split("+")
    parts: list[Part] = []
    for text in map(str.strip, texts):
        name = _comparable(text)
        if name in names:
            parts.append(names.index(name))
        elif text.startswith("="):
            parts.append(text[1:].strip())
        if name and names.count(name) > 1:
            reasons.append(f"the column {safe_name(text)} comes twice")
        elif not name or (name not in names and not text.startswith("=")):
            reasons.append(f"there is no column {safe_name(text)}")
    return parts


def _text(parts: Sequence[Part], cells: Sequence[str]) -> str:
    texts = [part if isinstance(part, str) else cells[part] for part in parts]
    columns = [part for part in parts if isinstance(part, int)]
    # A constant beside empty cells is no value: the ids of all such rows would be the same.
    if columns and not any(cells[column] for column in columns):
        return ""
    return " ".join(filter(None, texts))


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().lower()
