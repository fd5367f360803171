"""Bulk imports need PostgreSQL: in memory they are refused before any row is stored."""

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.models import Base as StaffBase


def test_students_cannot_be_imported_into_memory() -> None:
    staff = DatastoreManager(Database.in_memory(StaffBase.metadata))

    with pytest.raises(NeedsPostgresql):
        staff.imports.add([StudentToStore("Ada", id="ada")], [])

    assert staff.students.search().items == []


def test_courses_and_clicks_cannot_be_imported_into_memory() -> None:
    dropout = DropoutDatabaseManager(Database.in_memory(DropoutBase.metadata))

    for bring_in in (
        lambda: dropout.courses.import_courses([], []),
        lambda: dropout.courses.import_enrolments([]),
        lambda: dropout.courses.import_submissions([]),
        lambda: dropout.clicks.add_many([]),
        lambda: dropout.courses.finish_import({}),
    ):
        with pytest.raises(NeedsPostgresql):
            bring_in()
