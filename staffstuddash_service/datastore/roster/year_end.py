"""Repository of the end of the year: terms are closed, and leavers are listed."""

from dataclasses import dataclass
from datetime import date
from typing import Unpack

from sqlalchemy import Select, case, func, or_, select

from shared_db.clock import utc_now
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from staffstuddash_service.datastore.roster.closing import TermClosing, close_term, has_not_ended
from staffstuddash_service.models import EnrolmentRow

_BY_STUDENT = Keyset("leavers", (EnrolmentRow.student_id,))


@dataclass(frozen=True)
class Leaver:
    """Student with enrolments in the past only; `left_on` is the first day without one."""

    student_id: str
    left_on: date


class YearEndRepository(Repository):
    """End of the year."""

    def close_term(self, term_id: str, *, is_dry: bool = False) -> TermClosing:
        """Close a term and return the account; a closed term stays as it is, and it is a replay.

        is_dry: change nothing, and return the account of closing it.

        Raises:
            TermNotFound: no term has that id.
            TermNotOver: its last day has not passed.
            TermHasOpenTerms: a term within it is open.

        """
        now, is_memory = utc_now(), self.use_fallback
        run = self.read if is_dry else self.write
        return run(
            lambda session: close_term(session, term_id, now, is_dry=is_dry, is_memory=is_memory)
        )

    def search_leavers(
        self, *, left_by: date | None = None, **options: Unpack[PageOptions]
    ) -> Page[Leaver]:
        """Return a page of the students by id whose last enrolment is over.

        left_by: only those that had left on that day. A student without any enrolment is no leaver.
        """
        query = leavers(left_by or utc_now().date())
        after, limit = options.get("after"), options.get("limit", 100)
        rows, following = self.read_filtered(
            lambda session: _BY_STUDENT.rows(session, query, after=after, limit=limit)
        )
        return Page([Leaver(row[0], row[1]) for row in rows], following)


def leavers(left_by: date) -> Select[str, date]:
    """Return the query of the students whose last enrolment was over on the day, with its end."""
    model, day = EnrolmentRow, utc_now().date()
    # An enrolment that ended with its beginning never held.
    has_held = or_(model.valid_from.is_(None), model.valid_from < model.valid_to)
    left_on = func.max(case((has_held, model.valid_to)))
    open_count = func.sum(case((has_not_ended(model, day), 1), else_=0))
    query = select(model.student_id, left_on.label("left_on")).group_by(model.student_id)
    return query.having(open_count == 0, left_on <= left_by)
