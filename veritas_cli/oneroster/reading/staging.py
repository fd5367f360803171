"""Rows of an export in a temporary database: found by id, and sorted for the repositories."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import orjson

from veritas_cli.oneroster.reading.columns import File

BATCH_ROWS = 1000
# Column of the student of a result.
_OWNER = "studentSourcedId"
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE rows (
    file TEXT NOT NULL, id TEXT NOT NULL, line INTEGER NOT NULL, state INTEGER NOT NULL,
    owner TEXT, cells BLOB NOT NULL, PRIMARY KEY (file, id)
) WITHOUT ROWID;
CREATE INDEX rows_of_owner ON rows (owner, id) WHERE owner IS NOT NULL;
CREATE TABLE roles (
    user_id TEXT NOT NULL, role TEXT NOT NULL, is_primary INTEGER NOT NULL, organisation_id TEXT
);
CREATE INDEX roles_of_user ON roles (user_id);
CREATE TABLE identifiers (
    key TEXT NOT NULL PRIMARY KEY, student_id TEXT NOT NULL, is_shared INTEGER NOT NULL
) WITHOUT ROWID;
"""


class State(IntEnum):
    """State of a row: to be stored, to be ended by its status, or left out by the checks."""

    STORED = 0
    ENDING = 1
    LEFT_OUT = 2


@dataclass(frozen=True, slots=True)
class StagedRow:
    """Row with its id and line; `is_ending` if its status is `tobedeleted`."""

    file: File
    id: str
    line: int
    is_ending: bool
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class UserRole:
    """Role of a user in an organisation, if one is named."""

    user_id: str
    role: str
    is_primary: bool
    organisation_id: str | None


class Staging:
    """Temporary database of one export."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(_SCHEMA)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator["Staging"]:
        """Open an empty one in a folder."""
        with closing(sqlite3.connect(folder / "rows.db", isolation_level=None)) as connection:
            yield cls(connection)

    def add(self, rows: Sequence[StagedRow]) -> list[StagedRow]:
        """Insert rows of one file, except those of which the id is there; return these."""
        if not rows:
            return []
        known = set(self.states(rows[0].file, {row.id for row in rows}))
        repeated, values = [], []
        for row in rows:
            if row.id in known:
                repeated.append(row)
                continue
            known.add(row.id)
            owner = row.cells.get(_OWNER) if row.file is File.RESULTS else None
            cells = orjson.dumps(row.cells)
            values.append((row.file.value, row.id, row.line, int(row.is_ending), owner, cells))
        self._execute_many("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", values)
        return repeated

    def add_roles(self, roles: Iterable[UserRole]) -> None:
        """Insert roles of users."""
        values = [(one.user_id, one.role, one.is_primary, one.organisation_id) for one in roles]
        self._execute_many("INSERT INTO roles VALUES (?, ?, ?, ?)", values)

    def find(self, file: File, ids: Collection[str]) -> dict[str, StagedRow]:
        """Return the rows of a file that have these ids."""
        query = (
            "SELECT id, line, state, cells FROM rows"
            " WHERE file = ? AND id IN (SELECT value FROM json_each(?))"
        )
        found = self._connection.execute(query, (file.value, orjson.dumps(list(ids)).decode()))
        return {row[0]: _staged(file, row) for row in found}

    def states(self, file: File, ids: Collection[str]) -> dict[str, State]:
        """Return the state of the rows of a file that have these ids."""
        query = (
            "SELECT id, state FROM rows WHERE file = ? AND id IN (SELECT value FROM json_each(?))"
        )
        found = self._connection.execute(query, (file.value, orjson.dumps(list(ids)).decode()))
        return {id_: State(state) for id_, state in found}

    def leave_out(self, file: File, ids: Collection[str]) -> None:
        """Mark rows as left out."""
        self._execute_many(
            "UPDATE rows SET state = ? WHERE file = ? AND id = ?",
            [(int(State.LEFT_OUT), file.value, id_) for id_ in ids],
        )

    def roles(self, user_ids: Collection[str]) -> dict[str, list[UserRole]]:
        """Return the roles of users, the primary ones first."""
        query = (
            "SELECT * FROM roles WHERE user_id IN (SELECT value FROM json_each(?))"
            " ORDER BY user_id, is_primary DESC, role, organisation_id"
        )
        found: dict[str, list[UserRole]] = defaultdict(list)
        for user, role, is_primary, organisation in self._connection.execute(
            query, (orjson.dumps(list(user_ids)).decode(),)
        ):
            found[user].append(UserRole(user, role, bool(is_primary), organisation))
        return found

    def add_identifiers(self, identifiers: Iterable[tuple[str, str]]) -> None:
        """Insert identifiers of students: the key and the student's id of each."""
        self._execute_many(
            "INSERT INTO identifiers VALUES (?, ?, 0) ON CONFLICT DO UPDATE"
            " SET is_shared = is_shared OR student_id <> excluded.student_id",
            list(identifiers),
        )

    def shared_identifiers(self, keys: Iterable[str]) -> set[str]:
        """Return the keys that several students have."""
        query = (
            "SELECT key FROM identifiers"
            " WHERE is_shared AND key IN (SELECT value FROM json_each(?))"
        )
        found = self._connection.execute(query, (orjson.dumps(list(keys)).decode(),))
        return {key for (key,) in found}

    def shared_identifier_count(self) -> int:
        """Return the number of identifiers that several students have."""
        [count] = self._connection.execute(
            "SELECT count(*) FROM identifiers WHERE is_shared"
        ).fetchone()
        return int(count)

    def batches(
        self, file: File, state: State | None = None, count: int = BATCH_ROWS
    ) -> Iterator[list[StagedRow]]:
        """Yield the rows of a file, all or those of one state, in the order of their ids."""
        query = (
            "SELECT id, line, state, cells FROM rows"
            " WHERE file = ? AND id > ? AND state = coalesce(?, state) ORDER BY id LIMIT ?"
        )
        after = ""
        while True:
            found = self._connection.execute(query, (file.value, after, state, count)).fetchall()
            if not found:
                return
            yield [_staged(file, row) for row in found]
            after = found[-1][0]

    def results_by_student(self, count: int = BATCH_ROWS) -> Iterator[list[StagedRow]]:
        """Yield the results to store in the order of their students."""
        query = (
            "SELECT id, line, state, cells, owner FROM rows"
            " WHERE (owner, id) > (?, ?) AND owner IS NOT NULL AND state = ?"
            " ORDER BY owner, id LIMIT ?"
        )
        after = ("", "")
        while True:
            values = (*after, int(State.STORED), count)
            found = self._connection.execute(query, values).fetchall()
            if not found:
                return
            yield [_staged(File.RESULTS, row[:4]) for row in found]
            after = (found[-1][4], found[-1][0])

    def _execute_many(self, statement: str, values: Sequence[tuple[object, ...]]) -> None:
        if not values:
            return
        self._connection.execute("BEGIN")
        self._connection.executemany(statement, values)
        self._connection.execute("COMMIT")


def _staged(file: File, row: tuple[str, int, int, bytes]) -> StagedRow:
    return StagedRow(file, row[0], row[1], row[2] == State.ENDING, orjson.loads(row[3]))
