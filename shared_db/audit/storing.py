"""Storing of waiting reads in the database; each is stored once."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import orjson
from sqlalchemy import MetaData, Table, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from shared_db.audit.file import AuditFile
from shared_db.audit.rows import ChainedRead
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository

# A read of a list may have 200 students.
BATCH = 200


class ReadStore(Repository):
    """Tables of the reads of one service."""

    def __init__(self, database: Database, metadata: MetaData) -> None:
        super().__init__(database)

        def table(name: str) -> Table:
            return metadata.tables[f"{metadata.schema}.{name}"]

        self._reads, self._subjects = table("reads"), table("read_subjects")
        self._students, self._aliases = table("students"), table("aliases")

    def add(self, reads: Sequence[ChainedRead]) -> None:
        """Insert the reads that are not stored yet, in one transaction.

        Raises:
            ServiceError: as `Repository.write`.

        """

        def change(session: Session) -> None:
            insert_new = partial(_insert_new, session)
            insert_new(self._reads, [read.row for read in reads])
            subjects = [
                {**subject, "read_at": read.row["read_at"]}
                for read in reads
                for subject in read.subjects
            ]
            present = self._present_ids(session, {subject["read_as"] for subject in subjects})
            insert_new(
                self._subjects,
                [
                    {**subject, "student_id": present[subject["read_as"]]}
                    for subject in subjects
                    if subject["read_as"] in present
                ],
            )

        self.write(change)

    def move(self, file: AuditFile) -> int:
        """Move the waiting reads of the file into the tables; return their number.

        Several processes may do this at once. After a crash between the commit and the removal
        the rows are found in the tables.

        Raises:
            ServiceError: the database cannot take them now.
            SpoolUnavailable: the file cannot be used.

        """
        moved = 0
        while waiting := file.pending(BATCH):
            self.add([read for _, read in waiting])
            file.remove([place for place, _ in waiting])
            moved += len(waiting)
        file.truncate_wal()
        return moved

    def _present_ids(self, session: Session, ids: Collection[str]) -> Mapping[str, str]:
        """Lock the students until the end of the transaction; return the present id of each.

        Erased students are absent.
        """
        dialect = session.get_bind().dialect.name
        old, new = self._aliases.c.old_id, self._aliases.c.new_id
        former: dict[str, str] = {
            row.old_id: row.new_id
            for row in session.execute(
                select(old, new).where(in_list(old, "ids", dialect)), {"ids": sorted(ids)}
            )
        }
        wanted = {id_: former.get(id_, id_) for id_ in ids}
        column = self._students.c.id
        query = select(column).where(in_list(column, "ids", dialect)).order_by(column)
        lock = query.with_for_update(read=True, key_share=True)
        kept = set(session.scalars(lock, {"ids": sorted(set(wanted.values()))}))
        return {id_: present for id_, present in wanted.items() if present in kept}


def _insert_new(session: Session, table: Table, rows: Sequence[Row]) -> None:
    if not rows:
        return
    dialect = session.get_bind().dialect
    if dialect.name == "sqlite":
        session.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)
        return
    # One parameter for all rows: one for each value takes the process ten times as long.
    columns = [column for column in table.columns if column.name in rows[0]]
    names = ", ".join(column.name for column in columns)
    types = ", ".join(f"{column.name} {column.type.compile(dialect)}" for column in columns)
    insert = text(
        f"INSERT INTO {table.fullname} ({names})"  # noqa: S608 - ours
        f" SELECT {names} FROM json_to_recordset(CAST(:rows AS json)) AS new ({types})"
        " ON CONFLICT DO NOTHING"
    )
    session.execute(insert, {"rows": orjson.dumps(rows).decode()})
