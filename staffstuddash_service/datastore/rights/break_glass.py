"""Break-glass: members of staff open students outside their rights, for a day and on record.

Each method works as the service: the person in question does not see the student.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, func, literal, select, true
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.dialects import lateral_lookup
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.row_limits import rows_limited_to
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.mail.outbox import NewMail, store_mails
from staffstuddash_service.datastore.mail.texts import OPENED, opening_text
from staffstuddash_service.datastore.memberships import students_of_person
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.errors import BreakGlassForStaff, BreakGlassNotFound, StudentInSight
from staffstuddash_service.models import BreakGlass, PersonRow, ReadRow, ReadSubject
from staffstuddash_service.models.published import published_opened_reads

OPEN_FOR = timedelta(hours=24)
_DAY = literal(timedelta(days=1), Interval)
_NO_READS = (0, None)
_LATEST_FIRST = Keyset("break-glass", (BreakGlass.begins_at, BreakGlass.id), is_descending=True)


@dataclass(frozen=True)
class ReviewedOpening:
    """Opening with the number of reads under it in both services, and the instant of the last one.

    The figures are 0 and None once the reads were deleted by age.
    """

    opening: BreakGlass
    read_count: int
    last_read_at: datetime | None


class BreakGlassRepository(Repository):
    """Openings of students by persons with limited sight.

    recipients: addresses that get a mail about each opening.
    """

    recipients: Sequence[str] = ()

    def open(self, student_id: str, person_id: str, reason: str) -> tuple[BreakGlass, bool]:
        """Open the student to the person for 24 hours; return the row, and True for a replay.

        While an opening is in force, it is returned, and nothing is extended.

        Raises:
            BreakGlassForStaff: the person is no member of staff.
            StudentInSight: the person teaches or advises the student today.
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        with rows_limited_to(None):
            return self.write(
                lambda session: _open(session, student_id, person_id, reason, self.recipients)
            )

    def search(
        self,
        *,
        reviewer: str = "",
        acknowledged: bool | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[ReviewedOpening]:
        """Return a page of openings, the latest first.

        acknowledged: True or False for those that the reviewer has acknowledged, or has not.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            NotForPersons: the request is that of a person with limited sight.

        """
        query = select(BreakGlass)
        if acknowledged is not None and not self.use_fallback:  # in memory there is no opening
            is_acknowledged = _is_acknowledged_by(reviewer)
            query = query.where(is_acknowledged if acknowledged else ~is_acknowledged)

        def find(session: Session) -> Page[ReviewedOpening]:
            page = _LATEST_FIRST.page(session, query, after=after, limit=limit)
            reads = {} if self.use_fallback else _reads_of(session, [one.id for one in page.items])
            return Page(
                [ReviewedOpening(one, *reads.get(one.id, _NO_READS)) for one in page.items],
                page.next,
            )

        return self.read(find)

    def count_unacknowledged(self, reviewer: str) -> int:
        """Return the number of openings that the reviewer has not acknowledged."""
        if self.use_fallback:
            return 0
        query = select(func.count()).where(~_is_acknowledged_by(reviewer))
        return self.read(lambda session: session.scalar(query)) or 0

    def acknowledge(self, opening_id: str, reviewer: str) -> tuple[BreakGlass, bool]:
        """Note that the reviewer knows of the opening; return it, and True for a replay.

        Raises:
            BreakGlassNotFound: there is no such opening.

        """
        return self.write(lambda session: _acknowledge(session, opening_id, reviewer))

    def end(self, opening_id: str, *, actor: str, person_id: str | None) -> bool:
        """End an opening at once; return False if it was over.

        person_id: only an opening of this person; None: of anybody.

        Raises:
            BreakGlassNotFound: there is no such opening.

        """
        with rows_limited_to(None):
            return self.write(lambda session: _end(session, opening_id, actor, person_id))


def _open(
    session: Session, student_id: str, person_id: str, reason: str, recipients: Sequence[str]
) -> tuple[BreakGlass, bool]:
    person = session.get(PersonRow, person_id)
    if person is None or person.ended_at is not None:
        raise BreakGlassForStaff
    # The lock orders two requests of one person.
    find_student(session, student_id, lock=True)
    now, row = utc_now(), BreakGlass
    is_theirs = (row.person_id == person_id) & (row.student_id == student_id)
    found = session.scalar(select(row).where(is_theirs, row.ends_at > now))
    if found is not None:
        return found, True
    in_sight = students_of_person(person_id, now.date()).subquery().c.student_id
    if session.scalar(select(in_sight).where(in_sight == student_id).limit(1)) is not None:
        raise StudentInSight(student_id)
    opened = row(
        id=new_id(),
        person_id=person_id,
        student_id=student_id,
        reason=reason,
        begins_at=now,
        ends_at=now + OPEN_FOR,
        acknowledgements={},
    )
    session.add(opened)
    data = {"reason": reason, "ends_at": opened.ends_at.isoformat()}
    log_action(session, student_id, person_id, "break-glass.opened", data=data)
    text = opening_text(person_id, person.name, opened.id, opened.ends_at)
    store_mails(session, [NewMail(address, OPENED, text) for address in recipients])
    session.flush()
    return opened, False


def _is_acknowledged_by(reviewer: str) -> ColumnElement[bool]:
    return func.jsonb_exists(BreakGlass.acknowledgements, reviewer)


def _acknowledge(session: Session, opening_id: str, reviewer: str) -> tuple[BreakGlass, bool]:
    opened = session.get(BreakGlass, opening_id, with_for_update=True)
    if opened is None:
        raise BreakGlassNotFound(opening_id)
    if reviewer in opened.acknowledgements:
        return opened, True
    at = utc_now().isoformat()
    opened.acknowledgements = {**opened.acknowledgements, reviewer: at}
    session.flush()
    return opened, False


def _reads_of(
    session: Session, opening_ids: Sequence[str]
) -> dict[str, tuple[int, datetime | None]]:
    """Return number and last instant of the reads under each opening, in both services."""
    own = (
        select(
            ReadSubject.student_id,
            ReadSubject.read_at,
            func.jsonb_extract_path_text(ReadRow.openings, ReadSubject.token).label("opening_id"),
        )
        .join(
            ReadRow, (ReadRow.chain == ReadSubject.chain) & (ReadRow.number == ReadSubject.number)
        )
        .subquery()
    )
    found: dict[str, tuple[int, datetime | None]] = {}
    for reads in (own, published_opened_reads):
        # The times limit the rows that are looked at; clocks of services may differ.
        is_under = (
            (reads.c.student_id == BreakGlass.student_id)
            & (reads.c.read_at > BreakGlass.begins_at - _DAY)
            & (reads.c.read_at < BreakGlass.ends_at + _DAY)
            & (reads.c.opening_id == BreakGlass.id)
        )
        figures = lateral_lookup(
            select(func.count().label("count"), func.max(reads.c.read_at).label("last"))
            .where(is_under)
            .correlate(BreakGlass)
        )
        query = select(BreakGlass.id, figures.c.count, figures.c.last).join(figures, true())
        for id_, count, last in session.execute(query.where(BreakGlass.id.in_(opening_ids))):
            before, before_last = found.get(id_, _NO_READS)
            found[id_] = (before + count, max(filter(None, (before_last, last)), default=None))
    return found


def _end(session: Session, opening_id: str, actor: str, person_id: str | None) -> bool:
    opened = session.get(BreakGlass, opening_id)
    if opened is None or person_id not in (None, opened.person_id):
        raise BreakGlassNotFound(opening_id)
    # The student first, as in all writers; a merge may have moved the row to another one.
    find_student(session, opened.student_id, lock=True)
    session.refresh(opened, with_for_update=True)
    now = utc_now()
    if opened.ends_at <= now:
        return False
    opened.ends_at, opened.ended_by = now, actor
    log_action(session, opened.student_id, actor, "break-glass.ended", data=None)
    session.flush()
    return True
