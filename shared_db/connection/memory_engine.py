"""In-memory store: SQLite in this process, for work without a database server."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from shared_db.ids import new_id
from shared_db.words import has_words

_BUSY_SECONDS = 30
_CREATED = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
# Statements by which tables were created: to compile them takes ten times as long as to run them.
_STATEMENTS: WeakKeyDictionary[MetaData, Sequence[str]] = WeakKeyDictionary()


def build_memory_engine(metadata: MetaData) -> tuple[Engine, Connection]:
    """Return an engine on a new, empty in-memory database with the tables of `metadata`.

    The second value is the anchor connection: the database lives as long as it is open. With the
    `memdb` VFS every session has a connection of its own, so that transactions are isolated; one
    shared connection (`StaticPool`) would mix them.
    """
    engine = create_engine(
        f"sqlite:///file:/veritas-{new_id()}?vfs=memdb&uri=true",
        poolclass=NullPool,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
        execution_options={
            "schema_translate_map": {table.schema: None for table in metadata.tables.values()}
        },
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    anchor = engine.connect()
    with engine.begin() as connection:
        _create_tables(connection, metadata)
    return engine, anchor


def _create_tables(connection: Connection, metadata: MetaData) -> None:
    if metadata in _STATEMENTS:
        for statement in _STATEMENTS[metadata]:
            connection.exec_driver_sql(statement)
        return
    metadata.create_all(connection)
    _STATEMENTS[metadata] = connection.exec_driver_sql(_CREATED).scalars().all()


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # our own BEGIN, see _begin
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("has_words", 2, has_words, deterministic=True)


def _begin(connection: Connection) -> None:
    # A transaction that reads and then writes must be the writer from its start: with a plain
    # BEGIN, parallel ones fail with "database is locked" in spite of the time-out.
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def memory_engine(metadata: MetaData) -> Iterator[Engine]:
    """Yield an engine on a new in-memory database, which is dropped afterwards."""
    engine, anchor = build_memory_engine(metadata)
    try:
        yield engine
    finally:
        anchor.close()
        engine.dispose()
