"""Repository of the roster."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from staffstuddash_service.datastore.roster.changes import (
    RosterOutcome,
    RosterResult,
    apply_records,
)
from staffstuddash_service.datastore.roster.ending import Absent, end_absent, end_rows
from staffstuddash_service.datastore.roster.relations import (
    Relation,
    end_relation,
    keyset_of,
    relations_on,
    replace_relation,
)
from staffstuddash_service.datastore.roster.tables import (
    TABLES,
    RosterTable,
    has_item,
    has_text,
    kind_of,
)
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.domain.roster import MANUAL, Demographics, Record, RosterKind
from staffstuddash_service.errors import RosterNotFound

# Fields by which the rows of a kind can be filtered.
FILTERED = {
    RosterKind.ORGANISATION: ("name", "type", "identifier", "parent_id", "source"),
    RosterKind.TERM: ("title", "type", "school_year", "parent_id", "source"),
    RosterKind.COURSE: ("title", "code", "organisation_id", "source"),
    RosterKind.CLASS: ("title", "type", "code", "course_id", "organisation_id", "source"),
    RosterKind.PERSON: ("name", "role", "email", "username", "source"),
}
# Fields of lists of ids, by which rows can be found as well.
_LISTS = {RosterKind.CLASS: "term_ids", RosterKind.PERSON: "organisation_ids"}
# Fields in which a text is searched.
_SEARCHED = {RosterKind.PERSON: ("name", "email")}


@dataclass(frozen=True)
class Replaced:
    """Row after it was replaced, ended or left as it was."""

    row: Any
    is_new: bool = False
    is_replay: bool = False


class RosterRepository(Repository):
    """Roster: one by one for requests, and many at once for imports."""

    def get(self, kind: RosterKind, id_: str) -> Any:
        """Return the organisation, term, course, class or person of that id, ended or not.

        Raises:
            RosterNotFound: there is none.

        """
        return self.read(lambda session: _found(session, TABLES[kind], id_))

    def search(
        self,
        kind: RosterKind,
        *,
        include_ended: bool = False,
        listed_id: str | None = None,
        search: str | None = None,
        ids: Sequence[str] | None = None,
        **options: Unpack[PageOptions],
    ) -> Page[Any]:
        """Return a page of rows by id.

        listed_id: only classes of that term, or people of that organisation. search: only people
        with this part in name or e-mail; case is ignored. ids: only these rows.
        """
        table = TABLES[kind]
        query = select(table.model)
        if not include_ended:
            query = query.where(table.model.ended_at.is_(None))
        if listed_id is not None:
            column = getattr(table.model, _LISTS[kind])
            query = query.where(has_item(column, listed_id, is_memory=self.use_fallback))
        if search is not None:
            searched = [getattr(table.model, name) for name in _SEARCHED[kind]]
            query = query.where(has_text(searched, search))
        if ids is not None:
            query = query.where(table.key.in_(ids))
        columns = {name: getattr(table.model, name) for name in FILTERED[kind]}
        return self.page(Keyset(f"{kind} rows", (table.key,)), query, columns, **options)

    def replace(self, record: Record, *, source: str = MANUAL) -> Replaced:
        """Insert a record or replace the row of its id; equal content changes nothing.

        An ended row begins again.

        Raises:
            StudentMerged: the record names a former id of a merged student.
            ServiceError: the record is wrong, or refers to rows that are missing or have ended.

        """
        table, now = TABLES[kind_of(record)], utc_now()

        def replaced(session: Session) -> Replaced:
            if isinstance(record, Demographics):
                find_student(session, record.student_id, lock=True)
            [result] = apply_records(session, table, [record], source, now)
            return _replaced(session, table, result)

        return self.write(replaced)

    def end(self, kind: RosterKind, id_: str) -> Replaced:
        """End a row, and the relations of an ended class or person; ending again is a replay.

        Raises:
            RosterNotFound: there is none of that id.

        """
        table, now = TABLES[kind], utc_now()

        def ended(session: Session) -> Replaced:
            _found(session, table, id_, lock=True)
            count = end_rows(session, table, [id_], now)
            return Replaced(_refreshed(session, table, id_), is_replay=not count)

        return self.write(ended)

    def apply(self, kind: RosterKind, records: Sequence[Record], source: str) -> list[RosterResult]:
        """Store records of one source in one transaction; return the result of each, in order.

        Records under a former id of a merged student are stored under the present one. A refused
        record does not stop the others. Pass up to some thousand records at once, and
        parents before or together with their children.
        """
        table, now = TABLES[kind], utc_now()
        return self.write(lambda session: apply_records(session, table, records, source, now))

    def end_absent(
        self,
        kind: RosterKind,
        source: str,
        present_ids: Collection[str],
        *,
        is_dry: bool = False,
    ) -> Absent:
        """End the rows of a source that a full import no longer has; return their number.

        present_ids: the keys (`record_key`) of all records of the import. is_dry: only count, to
        stop an import that would end too many.
        """
        table, now, present = TABLES[kind], utc_now(), set(present_ids)
        run: Callable[[Callable[[Session], Absent]], Absent] = self.read if is_dry else self.write
        return run(lambda session: end_absent(session, table, source, present, now, is_dry=is_dry))

    def relate(self, relation: Relation) -> Replaced:
        """Begin a relation, or change the present one of the same ends; its `id` is not used.

        Without `valid_from` the stored one stays; a new relation begins today. A relation that has
        ended stays, and a new one begins.

        Raises:
            ServiceError: an end is missing or has ended, or the days are in the wrong order.

        """
        table, now = TABLES[kind_of(relation)], utc_now()

        def related(session: Session) -> Replaced:
            return _replaced(session, table, replace_relation(session, table, relation, now))

        return self.write(related)

    def separate(self, kind: RosterKind, **ends: str) -> Replaced:
        """End the relations of these ends today, also those to come; again, it is a replay.

        Raises:
            StudentNotFound, StudentErased: of the student, if one is an end.
            RelationNotFound: there was none.

        """
        table, now = TABLES[kind], utc_now()

        def separated(session: Session) -> Replaced:
            id_, is_replay = end_relation(session, table, ends, now)
            return Replaced(_refreshed(session, table, id_), is_replay=is_replay)

        return self.write(separated)

    def search_relations(
        self,
        kind: RosterKind,
        owner: tuple[str, str],
        *,
        as_of: date | None = None,
        include_ended: bool = False,
        **options: Unpack[PageOptions],
    ) -> Page[Any]:
        """Return the relations of one end that hold on a day, by default today.

        owner: field and id of that end. include_ended: all relations, of any day.

        Raises:
            ServiceError: there is no such class, person or student; or as `Repository.page`.

        """
        table, (field, id_) = TABLES[kind], owner
        day = None if include_ended else as_of or utc_now().date()
        return self.page(
            keyset_of(kind, field),
            relations_on(table, field, id_, day),
            require=lambda session: _require_owner(session, table, field, id_),
            **options,
        )


def _found(session: Session, table: RosterTable, id_: str, *, lock: bool = False) -> Any:
    row = session.get(table.model, id_, with_for_update=lock)
    if row is None:
        raise table.missing(id_) if table.missing else RosterNotFound(id_)
    return row


def _refreshed(session: Session, table: RosterTable, key: str) -> Any:
    return session.get_one(table.model, key, populate_existing=True)


def _replaced(session: Session, table: RosterTable, result: RosterResult) -> Replaced:
    if result.refusal is not None:
        raise result.refusal
    return Replaced(
        _refreshed(session, table, result.id),
        is_new=result.outcome is RosterOutcome.STORED,
        is_replay=result.outcome is RosterOutcome.REPEATED,
    )


def _require_owner(session: Session, table: RosterTable, field: str, id_: str) -> None:
    if field == "student_id":
        find_student(session, id_)
        return
    [reference] = [each for each in table.references if each.field == field]
    if session.get(reference.target, id_) is None and reference.missing:
        raise reference.missing(id_)
