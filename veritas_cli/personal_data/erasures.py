"""Erasures applied again after a restore, from the log of erasures and the replaced tables."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from shared_db.pseudonyms import equivalent_ids, pseudonym_of
from shared_db.queries.statistics import tables_of_students
from shared_db.retention.erasure_log import ErasureLog
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base as StaffstuddashBase

LOG_NAME = "erasures.log"
TABLE = "deletions"
_SCHEMAS = ("staffstuddash", "dropout")
_STORED = text(
    "SELECT id FROM staffstuddash.students UNION SELECT old_id FROM staffstuddash.aliases"
    " UNION SELECT id FROM dropout.students UNION SELECT old_id FROM dropout.aliases ORDER BY 1"
)
_INSERT = text(
    "INSERT INTO staffstuddash.deletions (pseudonym, deleted_at) VALUES (:pseudonym, :deleted_at)"
    " ON CONFLICT DO NOTHING"
)


def logged_erasures(files: Iterable[Path]) -> dict[str, datetime]:
    """Return the erasures of these logs by pseudonym; a file that does not exist has none.

    Raises:
        ConfigurationError: a file cannot be read, or has a line that is no erasure.

    """
    found = dict[str, datetime]()
    for file in files:
        found |= ErasureLog(file).read()
    return found


def tombstones(connection: Connection, suffix: str = "") -> dict[str, datetime]:
    """Return the tombstones of both services by pseudonym; none of a schema without the table.

    suffix: of the names of the schemas.
    """
    found = dict[str, datetime]()
    for schema in _SCHEMAS:
        name = f'"{schema}{suffix}".{TABLE}'
        if connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None:
            rows = connection.execute(text(f"SELECT pseudonym, deleted_at FROM {name}"))  # noqa: S608 - our own names
            found |= {row[0]: row[1] for row in rows}
    return found


def insert_tombstones(engine: Engine, erasures: Mapping[str, datetime]) -> None:
    """Insert tombstones into tables just restored, which may be those of an older release."""
    rows = [{"pseudonym": each, "deleted_at": at} for each, at in sorted(erasures.items())]
    if rows:
        with engine.begin() as connection:
            connection.execute(_INSERT, rows)


def record_erasures(engine: Engine) -> None:
    """Copy the tombstones that ERASURE_LOG lacks, if it is set.

    Raises:
        ConfigurationError: it cannot be written, or has a line that is no erasure.

    """
    log = ServiceSettings.load().erasure_log
    if log is not None:
        with engine.connect() as connection:
            ErasureLog(log).add(tombstones(connection))


def erase_again(engine: Engine, actor: str) -> int:
    """Erase the students who have rows although they have a tombstone; return their number.

    Statistics of the tables are refreshed, since they may hold values of their rows.
    """
    with engine.connect() as connection:
        erased = tombstones(connection)
        stored = connection.scalars(_STORED).all()
    ids = [each for each in stored if not erased.keys().isdisjoint(_pseudonyms_of(each))]
    if not ids:
        return 0
    database = Database.for_bind(engine)
    datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
    for student_id in ids:
        datastore.tombstones.erase_again(student_id, actor=actor)
        dropout.students.erase(student_id)
    datastore.statistics.refresh(tables_of_students(StaffstuddashBase.metadata))
    dropout.statistics.refresh(tables_of_students(DropoutBase.metadata))
    return len(ids)


def _pseudonyms_of(student_id: str) -> set[str]:
    return {pseudonym_of(form) for form in equivalent_ids(student_id)}
