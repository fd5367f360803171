"""Examples of tables in docs/interop.md: each is stored with its map, on both stores."""

import re
import shlex
from typing import NamedTuple

from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from tests.support.rosters import a_class, fill, outcomes
from tests.support.source_files import ROOT

COMMAND = re.compile(r"((?:^    .+\n)+)\n    (veritas import csv .+)", re.MULTILINE)


class Example(NamedTuple):
    """Table of the document, its kind and its map."""

    kind: str
    table: str
    column_map: str | None


def examples() -> list[Example]:
    found: list[Example] = []
    for table, command in COMMAND.findall((ROOT / "docs/interop.md").read_text()):
        _, _, _, kind, _, *options = shlex.split(command)
        column_map = options[1] if options else None
        found.append(Example(kind, table.replace("    ", ""), column_map))
    return found


def test_the_tables_of_the_document_are_stored(
    staffstuddash_client: TestClient, datastore: DatastoreManager
) -> None:
    fill(datastore)
    outcomes(datastore, a_class("math-5a"))

    kinds = [example.kind for example in examples()]
    for kind, table, column_map in examples():
        answer = staffstuddash_client.post(
            f"/api/v1/{kind}/csv",
            content=table,
            headers={"content-type": "text/csv"},
            params={} if column_map is None else {"map": column_map},
        )
        assert answer.status_code == 200, (table, answer.text)
        assert answer.json()["stored"] == 1, (table, answer.text)
        assert answer.json()["refused"] == 0

    assert len(kinds) == 9
    assert set(kinds) == {"students", "people", "classes", "enrolments", "assessments"}
    assert staffstuddash_client.get("/api/v1/students/1001").json()["name"] == "Ada King"
    assert staffstuddash_client.get("/api/v1/classes/MATH5 1/students").json()["items"]
