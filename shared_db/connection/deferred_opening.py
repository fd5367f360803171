"""Transactions that are opened by the message of their first statement, to save round trips."""

import select
from collections.abc import Mapping
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, cursor
from psycopg2.extensions import connection as psycopg2_connection

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"
_SINGLE = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"


class DeferringConnection(psycopg2_connection):
    """psycopg2 connection that can send the opening of a transaction with its first statement.

    Without `defer` it behaves as psycopg2's own. Server-side cursors need that.
    """

    _settings: str | None = None
    _begin = _BEGIN
    _level: int | None = None

    @property
    def can_defer(self) -> bool:
        """Return True if no transaction is in progress, and the server has not hung up."""
        return self._is_idle and not self._has_news()

    def defer(self, settings: Mapping[str, str], *, is_single: bool) -> None:
        """Send the settings of the next transaction with its first statement.

        is_single: until `rollback` each statement is a transaction of its own. It sees what was
        committed before it, as it does in a longer transaction at READ COMMITTED.
        """
        pairs = "".join(f"SET LOCAL {name} = %s;" for name in settings)
        with self.cursor() as quoting:
            text = quoting.mogrify(pairs, list(settings.values())).decode()
        # psycopg2 sends BEGIN as a message of its own without autocommit, and a level with it.
        self._level = self.isolation_level
        self.set_session(isolation_level="DEFAULT")
        self.autocommit = True
        # The line break keeps the settings out of the excerpts in PostgreSQL's errors.
        self._settings = f"{text}\n"
        self._begin = _SINGLE if is_single else _BEGIN

    def opening(self) -> str:
        """Return the text to send before the next statement; empty if it needs none."""
        is_due = self._settings is not None and self._is_idle
        return f"{self._begin}{self._settings}" if is_due else ""

    def open(self) -> None:
        """Open the transaction now, by a message of its own, if it was deferred."""
        if self._settings is not None and self._is_idle:
            self._begin = _BEGIN
            self._send(f"{_BEGIN}{self._settings}")

    def commit(self) -> None:
        """Commit as psycopg2 does."""
        if self._settings is None:
            super().commit()
            return
        self.open()  # a commit shows that the server takes writes
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back as psycopg2 does; nothing is sent if no transaction is in progress."""
        if self._settings is None:
            super().rollback()
        else:
            self._end("ROLLBACK")

    @property
    def _is_idle(self) -> bool:
        return bool(self.get_transaction_status() == TRANSACTION_STATUS_IDLE)

    def _has_news(self) -> bool:
        # An idle server sends something only to hang up, or after a change of its settings.
        poll = select.poll()  # unlike select(), for any number of descriptors
        poll.register(self, select.POLLIN)
        return bool(poll.poll(0))

    def _end(self, statement: str) -> None:
        self._settings = None
        try:
            if not self._is_idle:
                self._send(statement)
        finally:
            if not self.closed:
                self.autocommit = False
                self.set_session(isolation_level=self._level or "DEFAULT")

    def _send(self, text: str) -> None:
        with self.cursor() as sending:
            cursor.execute(sending, text)


class DeferringCursor(cursor):
    """Cursor of a `DeferringConnection`."""

    connection: DeferringConnection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
        """Execute as psycopg2 does, after the opening that is due."""
        if opening := self.connection.opening():
            query, vars = opening.encode() + self.mogrify(query, vars), None  # noqa: A001
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Execute as psycopg2 does, in an opened transaction."""
        self.connection.open()
        super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        """Copy as psycopg2 does, in an opened transaction."""
        self.connection.open()
        super().copy_expert(sql, file, size)


# Arguments of psycopg2's `connect`.
DEFERRING = {"connection_factory": DeferringConnection, "cursor_factory": DeferringCursor}
