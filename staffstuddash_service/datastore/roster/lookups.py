"""Repository for imports: which rows of many ids are stored, and the ending of many at once."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository
from staffstuddash_service.datastore.roster.ending import end_rows
from staffstuddash_service.datastore.roster.tables import TABLES
from staffstuddash_service.domain.roster import RosterKind
from staffstuddash_service.models import Alias, Student


class RosterLookupRepository(Repository):
    """Rows of the roster by many keys, at most some thousand a call."""

    def stored(self, kind: RosterKind, keys: Collection[str]) -> set[str]:
        """Return the keys of which a row is stored, ended or not."""
        return self.read(lambda session: _stored(session, TABLES[kind].key, keys))

    def stored_students(self, student_ids: Collection[str]) -> set[str]:
        """Return the ids of stored students, also former ids of merged ones."""

        def stored(session: Session) -> set[str]:
            ids = _stored(session, Student.id, student_ids)
            return ids | _stored(session, Alias.old_id, student_ids)

        return self.read(stored)

    def end_many(self, kind: RosterKind, keys: Collection[str]) -> int:
        """End rows by their keys; return their number without those that had ended."""
        table, now = TABLES[kind], utc_now()
        return self.write(lambda session: end_rows(session, table, sorted(keys), now))


def _stored(session: Session, column: object, keys: Collection[str]) -> set[str]:
    if not keys:
        return set()
    is_asked = in_list(column, "ids", session.get_bind().dialect.name)  # type: ignore[arg-type] # of any table
    return set(session.scalars(select(column).where(is_asked), {"ids": sorted(keys)}))  # type: ignore[call-overload] # likewise
