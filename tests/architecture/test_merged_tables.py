"""Tables with rows of students: a merge of two students moves them, or resolves them by a rule."""

from collections.abc import Sequence

import pytest
from sqlalchemy import MetaData, PrimaryKeyConstraint, Table, UniqueConstraint

from dropout_service.database import merging as dropout_merging
from dropout_service.models import Base as DropoutBase
from monitoring_service.models import Base as MonitoringBase
from staffstuddash_service.datastore.merging import store as staffstuddash_merging
from staffstuddash_service.models import Base as StaffstuddashBase

# Tables that refer to students by another column; the merges have code for them.
BY_OTHER_COLUMNS = {("aliases", "new_id")}
SERVICES = {
    "staffstuddash": (StaffstuddashBase.metadata, staffstuddash_merging),
    "dropout": (DropoutBase.metadata, dropout_merging),
}


def one_row_each(table: Table) -> bool:
    """Return True if a student can have one row of the table with something else."""
    kinds = (UniqueConstraint, PrimaryKeyConstraint)
    keys = [set(one.columns.keys()) for one in table.constraints if isinstance(one, kinds)]
    keys += [set(one.columns.keys()) for one in table.indexes if one.unique]
    return any("student_id" in key for key in keys)


@pytest.mark.parametrize("service", SERVICES)
def test_tables_with_one_row_for_a_student_are_resolved(service: str) -> None:
    """A moved row could meet a row of the other id: decide which of them stays."""
    _, merging = SERVICES[service]
    moved: Sequence[Table] = merging.MOVED

    assert [table.name for table in moved if one_row_each(table)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_with_a_students_id_is_moved_or_resolved(service: str) -> None:
    metadata, merging = SERVICES[service]
    moved = {table.name for table in merging.MOVED}
    resolved = set(merging.RESOLVED)

    tables = {name for name, column in student_columns(metadata) if column == "student_id"}
    others = {pair for pair in student_columns(metadata) if pair[1] != "student_id"}
    assert moved | resolved == tables
    assert others == BY_OTHER_COLUMNS


def student_columns(metadata: MetaData) -> set[tuple[str, str]]:
    """Return table and name of the columns that are called `student_id` or refer to students."""
    return {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name == "student_id"
        or any(key.column.table.name == "students" for key in column.foreign_keys)
    }


def test_monitoring_has_no_rows_of_students() -> None:
    assert student_columns(MonitoringBase.metadata) == set()
