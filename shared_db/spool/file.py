"""File of a spool: its tables, their upgrade and their rows."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared_db.results import Outcome
from shared_db.spool.sqlite_file import connect_private

_BUSY_SECONDS = 5
FORMAT = 2

_CREATE = """
CREATE TABLE spool (
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
CREATE INDEX spool_subject ON spool (subject);
CREATE INDEX spool_waiting ON spool (place) WHERE problem IS NULL;
"""
# The retry state of a row that failed alone, until it is refused or a person retries it, and
# totals, so that rows need not be counted.
_TO_FORMAT_2 = """
ALTER TABLE spool ADD COLUMN sqlstate TEXT;
ALTER TABLE spool ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spool ADD COLUMN failed_at REAL;
ALTER TABLE spool ADD COLUMN next_at REAL;
ALTER TABLE spool ADD COLUMN others_stored INTEGER NOT NULL DEFAULT 0;
CREATE INDEX spool_deferred ON spool (subject, place) WHERE next_at IS NOT NULL;
CREATE TABLE totals (waiting INTEGER NOT NULL, refused INTEGER NOT NULL);
INSERT INTO totals SELECT count(*) - count(problem), count(problem) FROM spool;
CREATE TRIGGER spool_inserted AFTER INSERT ON spool BEGIN
    UPDATE totals SET waiting = waiting + (NEW.problem IS NULL),
        refused = refused + (NEW.problem IS NOT NULL);
END;
CREATE TRIGGER spool_deleted AFTER DELETE ON spool BEGIN
    UPDATE totals SET waiting = waiting - (OLD.problem IS NULL),
        refused = refused - (OLD.problem IS NOT NULL);
END;
CREATE TRIGGER spool_changed AFTER UPDATE OF problem ON spool BEGIN
    UPDATE totals SET
        waiting = waiting + (NEW.problem IS NULL) - (OLD.problem IS NULL),
        refused = refused + (NEW.problem IS NOT NULL) - (OLD.problem IS NOT NULL);
    UPDATE spool SET
        sqlstate = NULL, failures = 0, failed_at = NULL, next_at = NULL, others_stored = 0
        WHERE place = NEW.place;
END;
"""
COLUMNS = (
    "kind, id, subject, payload, digest, accepted_at, attempts, problem, place, sqlstate, failures"
)


class SpoolUnavailable(Exception):
    """The file cannot be used; rows for the spool are refused."""


class SpoolFull(SpoolUnavailable):
    """The file has reached its limits; rows for the spool are refused."""


@dataclass(frozen=True)
class SpoolLimits:
    """Limits of a spool, for waiting and refused rows together; bytes without the journal."""

    rows: int = 1_000_000
    size_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """Row that waits, or was refused when it was replayed.

    kind: name of its `SpoolableType`. subject: the student it belongs to, if any. payload: JSON of
    the item. problem: the refusal by the database; None while it waits. sequence: its number in the
    order of acceptance; 0 before that. sqlstate: of its failures alone. failures: their number
    since the first one with that SQLSTATE.
    """

    kind: str
    id: str
    subject: str | None
    payload: str
    digest: bytes
    accepted_at: datetime
    attempts: int = 0
    problem: str | None = None
    sequence: int = 0
    sqlstate: str | None = None
    failures: int = 0


@dataclass(frozen=True)
class SpoolState:
    """Numbers of waiting and refused rows of a spool.

    oldest_at: acceptance of the first waiting row, if any. is_full: further rows are refused.
    """

    waiting: int = 0
    oldest_at: datetime | None = None
    refused: int = 0
    is_full: bool = False


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, make or upgrade it if necessary; callers begin transactions themselves.

    Raises:
        SpoolUnavailable: a newer release wrote the file.
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
    written = _format_of(connection)
    if written > FORMAT:
        raise SpoolUnavailable(f"{path} is of a newer release (format {written}); upgrade this one")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # Deleted rows are overwritten with zeros, so that the file does not contain them any more.
    connection.execute("PRAGMA secure_delete = ON")
    if written < FORMAT:
        _upgrade(connection)


def _format_of(connection: sqlite3.Connection) -> int:
    [written] = connection.execute("PRAGMA user_version").fetchone()
    return int(written)


def _upgrade(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        written = _format_of(connection)  # another process may have upgraded it meanwhile
        if written < 1:
            _run(connection, _CREATE)
        if written < FORMAT:
            _run(connection, _TO_FORMAT_2)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run(connection: sqlite3.Connection, script: str) -> None:
    # One by one, because `executescript` would commit first.
    statement = ""
    for line in script.strip().splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def insert_entry(connection: sqlite3.Connection, entry: Entry) -> tuple[Outcome, Entry]:
    """Insert the entry if its id is new; return the outcome and the stored entry.

    A rejected entry is replaced: resubmitting it puts it at the end of the queue.
    """
    replace_refused = "DELETE FROM spool WHERE kind = ? AND id = ? AND problem IS NOT NULL"
    connection.execute(replace_refused, (entry.kind, entry.id))
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
    outcome = Outcome.REPEATED if digest == entry.digest else Outcome.CONFLICT
    stored = Entry(
        entry.kind, entry.id, entry.subject, payload, digest, datetime.fromisoformat(accepted_at)
    )
    return outcome, stored


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return the bytes of the pages in use."""
    pages, free, page_bytes = _pages(connection)
    return (pages - free) * page_bytes


def is_mostly_free(connection: sqlite3.Connection) -> bool:
    """Return True if more than a megabyte and more than half of the file is unused."""
    pages, free, page_bytes = _pages(connection)
    return free * page_bytes > 1024 * 1024 and free > pages // 2


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, page_bytes = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names
    )
    return pages, free, page_bytes
