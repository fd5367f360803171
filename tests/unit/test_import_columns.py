"""Columns of imported files: fields, suggestions by names, and maps."""

from typing import get_args

import pytest

from shared_web.requests.csv_rows import TableRow
from shared_web.requests.tables.columns import columns_of, parsed_map
from staffstuddash_service.datastore import TableKind
from staffstuddash_service.domain.follow_ups.jobs import ImportState
from staffstuddash_service.schemas.incoming.import_jobs import ImportChange
from staffstuddash_service.schemas.tables import ROWS
from veritas_web.domain.imports.columns import (
    as_map,
    from_map,
    is_matched,
    missing,
    own_columns,
    suggested,
)
from veritas_web.domain.imports.kinds import CONFLICTS, KINDS, STATES

STUDENTS = KINDS["students"]


@pytest.mark.parametrize("kind", TableKind)
def test_the_fields_are_those_of_the_service(kind: TableKind) -> None:
    fields = ROWS[kind].model.model_fields
    known = KINDS[kind].fields

    assert sorted(each.name for each in known) == sorted(fields)
    # An import needs ids, so that a file sent again changes nothing.
    needed = {name for name, field in fields.items() if field.is_required() or name == "id"}
    assert {each.name for each in known if each.is_needed} == needed


def test_states_and_choices_are_those_of_the_service() -> None:
    conflicts = ImportChange.model_fields["on_conflict"].annotation

    assert list(STATES) == list(ImportState)
    assert list(CONFLICTS) == list(get_args(conflicts))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["id", "name", "email"], ["id", "name", "email"]),
        (["Schülernummer", "Full Name", "E-Mail"], ["Schülernummer", "Full Name", "E-Mail"]),
        (["STUDENT_NO", "Name ", "x"], ["STUDENT_NO", "Name ", ""]),
        (["", "...", "na\nme", "Vorname"], ["", "", ""]),
        ([], ["", "", ""]),
    ],
)
def test_columns_are_suggested_by_their_names(columns: list[str], expected: list[str]) -> None:
    assert list(suggested(STUDENTS, columns).values()) == expected


def test_columns_of_the_last_import_come_first() -> None:
    remembered = {"id": "Key", "name": "gone"}

    found = suggested(STUDENTS, ["id", "Key", "name"], remembered)

    assert found == {"id": "Key", "name": "name", "email": ""}
    assert missing(STUDENTS, found) == []
    assert missing(STUDENTS, {"id": "Key", "name": ""}) == ["Name"]
    assert own_columns(STUDENTS, [" ID", "Key"]) == {"id": " ID"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["id", "Name", ""], True),
        (["id", "name", "email"], True),
        (["id", "email"], False),
        (["id", "name", "x"], False),
        (["id", "id", "name"], False),
        ([], False),
    ],
)
def test_columns_with_the_names_of_the_fields_need_no_choice(
    columns: list[str], *, expected: bool
) -> None:
    assert is_matched(STUDENTS, columns) is expected


@pytest.mark.parametrize(
    "column", ["No", "a, b", 'said "x"', "a+b", "=sum", "a:b", "Ünï çode", "<script>", " n"]
)
def test_the_service_reads_the_map(column: str) -> None:
    model = ROWS[TableKind.STUDENTS].model
    text = as_map({"id": "Key", "name": column, "email": ""})

    chosen = parsed_map(text, model)
    columns = columns_of(TableRow(1, ["Key", column, "other"]), model, chosen)

    assert columns.parts == {"id": [0], "name": [1]}
    assert from_map(text) == {"id": "Key", "name": column.strip()}


@pytest.mark.parametrize("text", [None, "", '"id:open', "nonsense"])
def test_no_map_is_remembered_of_a_broken_one(text: str | None) -> None:
    assert from_map(text) == {}
