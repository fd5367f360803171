"""Drafts: each version is compared with the one before as it comes in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.filtering import Filter, conditions
from shared_db.ids import new_id
from shared_db.naming import digest_of, store_one
from shared_db.paging import Keyset, Page
from staffstuddash_service.datastore.part import Part, find_student
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.domain.drafts import compare, is_sudden_jump, words_of
from staffstuddash_service.errors import DraftExists
from staffstuddash_service.models import Draft

DRAFTS_BY_TIME = Keyset("drafts", (Draft.timestamp, Draft.id), is_descending=True)
DRAFT_FIELDS = ("assignment_id", "change_type", "sudden_jump_flag", "timestamp")
_COLUMNS = {name: getattr(Draft, name) for name in DRAFT_FIELDS}


class Drafts(Part):
    """Versions of students' texts."""

    def add_draft(
        self,
        student_id: str,
        assignment_id: str,
        content: str,
        *,
        timestamp: datetime | None = None,
        draft_id: str | None = None,
    ) -> Draft:
        """Store the next version of a text and bring the student's record up to it.

        timestamp: when it was handed in, by default now.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.
            DraftExists: the draft's id is stored with other content.

        """
        now = utc_now()
        sent = {
            "student_id": student_id,
            "assignment_id": assignment_id,
            "content": content,
            "timestamp": timestamp,
        }
        with self.database.unit_of_work() as session:
            find_student(session, student_id, lock=True)
            row = Draft(
                **{**sent, "timestamp": timestamp or now},
                **_compared(session, student_id, assignment_id, content),
                id=draft_id or new_id(),
                created_at=now,
                digest=digest_of(sent),
            )
            stored = store_one(session, row, DraftExists)
            if not stored.is_repeat:
                recompute(session, [student_id], now)
            return stored

    def get_student_drafts(
        self,
        student_id: str,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Draft]:
        """Return the student's drafts, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the conditions chosen take too long.

        """
        query = select(Draft).where(Draft.student_id == student_id)
        with self.database.searching() as session:
            find_student(session, student_id)
            query = query.where(*conditions(session, filters, _COLUMNS))
            return DRAFTS_BY_TIME.page(session, query, after=after, limit=limit)


def _compared(
    session: Session, student_id: str, assignment_id: str, content: str
) -> dict[str, Any]:
    before = session.execute(
        select(Draft.version, Draft.content)
        .where(Draft.student_id == student_id, Draft.assignment_id == assignment_id)
        .order_by(Draft.version.desc())
        .limit(1)
    ).one_or_none()
    words = words_of(content)
    found: dict[str, Any] = {"version": before.version + 1 if before else 1}
    found["word_count"] = len(words)
    revision = compare(words_of(before.content), words) if before else None
    if revision is None:
        return found
    pace = select(Draft.new_words).where(
        Draft.student_id == student_id, Draft.new_words.is_not(None)
    )
    earlier = [count for count in session.scalars(pace) if count is not None]
    return {
        **found,
        "new_words": revision.new_words,
        "lexical_similarity": revision.lexical_similarity,
        "retained_share": revision.retained_share,
        "change_type": revision.change_type,
        "reasoning_continuity": revision.reasoning_continuity,
        "sudden_jump_flag": is_sudden_jump(revision.new_words, earlier),
    }
