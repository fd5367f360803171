"""Contents of databases and files as text, to search them for data that must not be there."""

import sqlite3
from pathlib import Path

from sqlalchemy import text

from shared_db.connection.database import Database
from tests.support.databases import become_owner


def bytes_of(folder: Path) -> bytes:
    """Return the contents of all files in a folder, subfolders included."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def dump(database: Database) -> str:
    """Return every row of every table as text."""
    with database.snapshot() as session:
        become_owner(session)
        connection = session.connection()
        if database.use_fallback:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            return "\n".join(raw.iterdump())
        tables = session.scalars(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        ).all()
        rows = [row for t in tables for row in session.scalars(text(f"SELECT t::text FROM {t} t"))]
        return "\n".join(rows)
