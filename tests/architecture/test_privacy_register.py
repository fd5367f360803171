"""Register of personal data: every column is declared, and its document is current."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, String, Table

from shared_db.audit.file import AuditFile
from shared_db.personal_data import Declaration, declaration_of, personal, register_table
from shared_db.spool.queue import Spool
from shared_web.auth.offline_keys import OfflineKeyCache
from tests.support.source_files import ROOT
from veritas_cli.personal_data.files import AUDIT_TABLES, SPOOL_TABLES
from veritas_cli.personal_data.register import BASES, declarations, with_register

COLUMNS = [
    column for base in BASES for table in base.metadata.sorted_tables for column in table.columns
]


def test_every_column_is_declared() -> None:
    assert {str(column.table.schema) for column in COLUMNS} == {
        "access",
        "staffstuddash",
        "dropout",
        "monitoring",
    }
    assert [str(column) for column in COLUMNS if declaration_of(column) is None] == []


def test_a_column_that_is_added_is_not_declared_by_its_table() -> None:
    own = Column("actor", String, info=personal(keep="a year"))
    table = Table("new", MetaData(), Column("name", String), own, Column("added", String))
    register_table(table, Declaration((), "to test", "a day"), "name")

    assert declaration_of(table.c.name) == Declaration((), "to test", "a day")
    assert declaration_of(table.c.actor) == Declaration((), "to test", "a year")
    assert declaration_of(table.c.added) is None
    with pytest.raises(ValueError, match="does not declare added"):
        declarations(table)
    for wrong in ("gone", "actor", "name"):
        with pytest.raises(ValueError, match=wrong):
            register_table(table, Declaration((), "to test", "a day"), wrong)


def test_columns_with_a_student_are_personal() -> None:
    of_students = [
        column
        for column in COLUMNS
        if column.name == "student_id"
        or any(key.column.table.name == "students" for key in column.foreign_keys)
    ]
    declared = [(str(column), declaration_of(column)) for column in of_students]

    assert len(declared) > 10
    assert [name for name, one in declared if one is None or "student" not in one.subjects] == []


def test_the_fields_of_the_spool_file_are_declared(tmp_path: Path) -> None:
    spool = Spool.of_service(tmp_path, "dropout")
    spool.open()
    with closing(spool):
        OfflineKeyCache(spool, 60).remember("hash", "dashboard", "read")
        with spool.connection() as connection:
            names = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            tables = [row[0] for row in connection.execute(names)]
            found = {
                name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
                for name in tables
            }

    assert {name: set(fields) for name, fields in SPOOL_TABLES.items()} == found


def test_the_fields_of_the_audit_file_are_declared(tmp_path: Path) -> None:
    file = AuditFile.of_service(tmp_path, "dropout", 2**20)
    file.open()
    with closing(file), file.connection() as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        found = {
            name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
            for (name,) in connection.execute(tables).fetchall()
        }

    assert {name: set(fields) for name, fields in AUDIT_TABLES.items()} == found


def test_the_document_is_current() -> None:
    document = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")

    assert document == with_register(document), "run `make privacy`"
