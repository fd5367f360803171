"""Columns of a file for the fields of a table: suggested by names, and written as a map."""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence

from veritas_web.domain.imports.kinds import Field, Kind


def comparable(name: str) -> str:
    """Return a name without regard to case, marks of accents and punctuation."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def choosable(columns: Sequence[str]) -> list[str]:
    """Return the columns that a map can name: those with a name, on one line."""
    return [column for column in columns if column.strip() and len(column.splitlines()) == 1]


def suggested(
    kind: Kind, columns: Sequence[str], remembered: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the column of each field, or an empty text.

    remembered: the columns of the last import of the kind, which come first if the file has them.
    """
    known = choosable(columns)
    by_name = {comparable(column): column for column in reversed(known) if comparable(column)}
    found: dict[str, str] = {}
    for field in kind.fields:
        before = (remembered or {}).get(field.name, "")
        found[field.name] = before if before in known else _by_name(field, by_name)
    return found


def own_columns(kind: Kind, columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that have the name of a field: the service takes no other for them."""
    names = {column.strip().lower(): column for column in columns}
    return {field.name: names[field.name] for field in kind.fields if field.name in names}


def is_matched(kind: Kind, columns: Sequence[str]) -> bool:
    """Return True if the columns are just those of the fields, so that no choice is needed."""
    own = own_columns(kind, columns)
    named = [column for column in columns if column.strip()]
    return not missing(kind, own) and len(own) == len(named)


def missing(kind: Kind, chosen: Mapping[str, str]) -> list[str]:
    """Return the titles of the needed fields without a column."""
    return [each.title for each in kind.fields if each.is_needed and not chosen.get(each.name)]


def as_map(chosen: Mapping[str, str]) -> str:
    """Return the map of the service: pairs of field and column, in quotes where necessary."""
    text = io.StringIO()
    pairs = [f"{field}:{column}" for field, column in chosen.items() if column]
    csv.writer(text, lineterminator="").writerow(pairs)
    return text.getvalue()


def from_map(text: str | None) -> dict[str, str]:
    """Return the columns by field of a map; of none or a broken one an empty mapping."""
    try:
        pairs = next(csv.reader([text or ""], skipinitialspace=True, strict=True), [])
    except csv.Error:
        return {}
    found = (pair.partition(":") for pair in pairs)
    return {field.strip(): column.strip() for field, _, column in found if column.strip()}


def _by_name(field: Field, by_name: Mapping[str, str]) -> str:
    for name in (field.name, *field.names):
        column = by_name.get(comparable(name))
        if column is not None:
            return column
    return ""
