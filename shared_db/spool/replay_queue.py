"""Queue of a spool's rows for replay, with their retry state."""

import fcntl
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared_db.spool.file import Entry
from shared_db.spool.retry import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, is_exhausted
from shared_db.spool.store import SpoolStore

# The pause doubles with each failure; another SQLSTATE starts again with the first pause.
_DEFER = """
UPDATE spool SET
    failures = CASE WHEN sqlstate = :code THEN failures + 1 ELSE 1 END,
    failed_at = CASE WHEN sqlstate = :code THEN failed_at ELSE :now END,
    others_stored = CASE WHEN sqlstate = :code THEN others_stored ELSE 0 END,
    next_at = :now + min(:longest, :first * (
        1 << CASE WHEN sqlstate = :code THEN min(failures, 6) ELSE 0 END)),
    sqlstate = :code
WHERE place = :place AND problem IS NULL
RETURNING failures, failed_at, others_stored
"""


class ReplayQueue:
    """Rows of one spool in the order in which they are replayed, with their retry state."""

    def __init__(self, store: SpoolStore) -> None:
        self._store = store

    @contextmanager
    def replay_lock(self) -> Iterator[bool]:
        """Yield True if this process is the one that replays; the lock ends with the process."""
        with Path(f"{self._store.path}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def pending(
        self, limit: int, after: int = 0, *, now: float, unordered: Collection[str] = ()
    ) -> list[Entry]:
        """Return rows to try now, in the order of acceptance.

        Rows deferred until after `now` are left out, and later rows of the same subject, too,
        unless their kind is `unordered`. now: seconds since the epoch. A row deferred for longer
        than any pause is due: the clock was set back.
        """
        where = (
            "problem IS NULL AND place > :after AND NOT coalesce(next_at > :now"
            " AND next_at <= :latest, FALSE) AND (kind IN (SELECT value FROM json_each(:unordered))"
            " OR NOT EXISTS (SELECT 1 FROM spool AS earlier"
            " WHERE earlier.subject = spool.subject AND earlier.place < spool.place"
            " AND earlier.problem IS NULL AND earlier.next_at > :now"
            " AND earlier.next_at <= :latest"
            " AND earlier.kind NOT IN (SELECT value FROM json_each(:unordered))))"
        )
        values = {
            "after": after,
            "now": now,
            "latest": now + 2 * LONGEST_PAUSE_SECONDS,
            "unordered": json.dumps(list(unordered)),
        }
        return self._store.entries(where, values, limit=limit)

    def remove(self, stored: Sequence[Entry], others: Sequence[Entry] = ()) -> None:
        """Remove stored rows, and others that will never be stored.

        The obstacle of a deferred row that is now stored is gone: other rows that failed with its
        SQLSTATE are due at once.
        """
        places = json.dumps([entry.sequence for entry in (*stored, *others)])
        freed = {entry.sqlstate for entry in stored if entry.sqlstate}
        with self._store.transaction() as connection:
            connection.execute(
                "DELETE FROM spool WHERE place IN (SELECT value FROM json_each(?))", (places,)
            )
            for kind in {entry.kind for entry in stored}:
                _record_stored(connection, kind)
            for code in freed:
                connection.execute("UPDATE spool SET next_at = 0 WHERE sqlstate = ?", (code,))

    def record_stored(self, kinds: Iterable[str]) -> None:
        """Record that rows of these kinds were stored past the spool."""
        with self._store.transaction() as connection:
            for kind in kinds:
                _record_stored(connection, kind)

    def has_deferred(self, code: str) -> bool:
        """Return True if a waiting row failed with that SQLSTATE."""
        return bool(self._store.entries("problem IS NULL AND sqlstate = ?", (code,), limit=1))

    def defer(self, entry: Entry, code: str, now: float) -> bool:
        """Record that a row failed alone with a SQLSTATE, and defer it.

        Return True if it was refused instead (`is_exhausted`). now: seconds since the epoch.
        """
        with self._store.transaction() as connection:
            row = connection.execute(
                _DEFER,
                {
                    "code": code,
                    "now": now,
                    "place": entry.sequence,
                    "first": FIRST_PAUSE_SECONDS,
                    "longest": LONGEST_PAUSE_SECONDS,
                },
            ).fetchone()
            if row is None:
                return False  # removed meanwhile
            failures, failed_at, others_stored = row
            if not is_exhausted(code, failures, now - failed_at, others_stored=bool(others_stored)):
                return False
            problem = f"The database refuses it while it takes others: SQLSTATE {code}"
            connection.execute(
                "UPDATE spool SET problem = ?, attempts = attempts + failures WHERE place = ?",
                (problem, entry.sequence),
            )
        return True


def _record_stored(connection: sqlite3.Connection, kind: str) -> None:
    connection.execute(
        "UPDATE spool SET others_stored = 1"
        " WHERE next_at IS NOT NULL AND others_stored = 0 AND kind = ?",
        (kind,),
    )
