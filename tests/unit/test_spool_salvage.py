"""Salvage of a damaged spool: every row that is whole, and no other."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from shared_db.spool.queue import Spool
from shared_db.spool.salvage import checked_entries
from staffstuddash_service.datastore import SPOOLABLE_TYPES
from staffstuddash_service.datastore.students import STUDENT, StudentToStore
from tests.support.factories import NOON

ROWS = [
    STUDENT.entry(StudentToStore(f"Pupil {n}", f"{n}@school.example", f"s{n}", NOON))
    for n in range(60)
]
CONTENTS = {(entry.id, entry.payload, entry.digest) for entry in ROWS}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_only_written_rows_are_recovered(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "staffstuddash-spool.db")
        spool.append(ROWS)
        spool.close()
        content = bytearray(spool.path.read_bytes())
        for _ in range(data.draw(st.integers(0, 30))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        spool.path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

        found, _ = checked_entries(spool.path, SPOOLABLE_TYPES)

    assert {(entry.id, entry.payload, entry.digest) for entry in found} <= CONTENTS
