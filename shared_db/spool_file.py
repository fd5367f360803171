"""The file of a spool: its table, and what stands in a row of it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared_db.naming import Outcome
from shared_db.sqlite_file import connect_private

_BUSY_SECONDS = 5
_FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT,
    payload TEXT NOT NULL,
    digest BLOB NOT NULL,
    accepted_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS spool_subject ON spool (subject);
CREATE INDEX IF NOT EXISTS spool_waiting ON spool (place) WHERE problem IS NULL;
"""
COLUMNS = "kind, id, subject, payload, digest, accepted_at, attempts, problem, place"


class SpoolUnwritable(Exception):
    """The file cannot be used; what was to be spooled is refused instead."""


@dataclass(frozen=True)
class Entry:
    """One addition that waits, or was refused when it was given back.

    subject: the student whom it is about, if any. payload: JSON of the addition. problem: why the
    database refused it; None while it waits. place: in the order of acceptance; 0 before that.
    """

    kind: str
    id: str
    subject: str | None
    payload: str
    digest: bytes
    accepted_at: datetime
    attempts: int = 0
    problem: str | None = None
    place: int = 0


@dataclass(frozen=True)
class SpoolState:
    """How much waits, since when (None when nothing does), and how much was refused."""

    waiting: int = 0
    oldest_at: datetime | None = None
    refused: int = 0


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made if it is absent; callers begin transactions themselves.

    Raises:
        SpoolUnwritable: a newer release wrote the file.
        OSError: it cannot be made.
        sqlite3.Error: it cannot be opened, or is damaged.

    """
    connection = connect_private(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    [written] = connection.execute("PRAGMA user_version").fetchone()
    if written > _FORMAT:
        raise SpoolUnwritable(f"{path} is of a newer release (format {written}); upgrade this one")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Zeros where a row was, so that nobody reads in the file what is not in the table any more.
    connection.execute("PRAGMA secure_delete = ON")
    if written < _FORMAT:
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {_FORMAT}")


def keep(connection: sqlite3.Connection, entry: Entry) -> tuple[Outcome, Entry]:
    """Insert the entry if its id is new; return what became of it and what is kept.

    One that was refused gives way: whoever sends it again, mended or not, is promised that it will
    be stored, so that it has to wait again, and last.
    """
    give_way = "DELETE FROM spool WHERE kind = ? AND id = ? AND problem IS NOT NULL"
    connection.execute(give_way, (entry.kind, entry.id))
    values = (
        entry.kind,
        entry.id,
        entry.subject,
        entry.payload,
        entry.digest,
        entry.accepted_at.isoformat(),
        entry.attempts,
        entry.problem,
    )
    insert = (
        "INSERT INTO spool (kind, id, subject, payload, digest, accepted_at, attempts, problem)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO NOTHING"
    )
    if connection.execute(insert, values).rowcount:
        return Outcome.STORED, entry
    query = "SELECT payload, digest, accepted_at FROM spool WHERE kind = ? AND id = ?"
    payload, digest, accepted_at = connection.execute(query, (entry.kind, entry.id)).fetchone()
    outcome = Outcome.REPEATED if digest == entry.digest else Outcome.DIFFERENT
    stored = Entry(
        entry.kind, entry.id, entry.subject, payload, digest, datetime.fromisoformat(accepted_at)
    )
    return outcome, stored
