"""Drafts: each version is compared with the one before as it comes in."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.filters import Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.writes import Returned, SpoolableType, insert_or_spool, outcome_per_item
from shared_db.writes.idempotent_insert import Outcome, content_digest, insert_idempotent
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.datastore.student_locks import find_student, lock_students
from staffstuddash_service.domain.drafts import (
    MIN_JUMP_WORDS,
    MIN_REVISIONS,
    compare,
    is_sudden_jump,
    words_of,
)
from staffstuddash_service.errors import DraftExists
from staffstuddash_service.models import Draft

DRAFTS_BY_TIME = Keyset("drafts", (Draft.timestamp, Draft.id), is_descending=True)
DRAFT_FIELDS = ("assignment_id", "change_type", "sudden_jump_flag", "timestamp")
_COLUMNS = {name: getattr(Draft, name) for name in DRAFT_FIELDS}


@dataclass(frozen=True)
class DraftToStore:
    """A draft before it is stored; without an id one is made, without a time it is now."""

    student_id: str
    assignment_id: str
    content: str
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> Draft:
        """Return the row to store, without its version and what changed from the one before."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return Draft(
            **{**sent, "timestamp": self.timestamp or at},
            word_count=len(words_of(self.content)),
            id=id_,
            created_at=at,
            digest=content_digest(sent),
        )


def _give(manager: "Drafts", drafts: Sequence[DraftToStore]) -> list[Returned]:
    return manager.store_drafts(drafts)


DRAFT = SpoolableType(
    "draft",
    DraftToStore,
    DraftToStore.row,
    DraftExists,
    _give,
    subject=lambda new: new.student_id,
)


class Drafts(Repository):
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
        draft = DraftToStore(student_id, assignment_id, content, timestamp, draft_id)
        return insert_or_spool(self.database, DRAFT, draft, self._store_draft)

    def store_drafts(self, drafts: Sequence[DraftToStore]) -> list[Returned]:
        """Store drafts in their order in one unit of work; tell what became of each."""
        with self.database.unit_of_work() as session:
            # All at once, or two such units of work could wait for each other.
            lock_students(session, {draft.student_id for draft in drafts})
            outcomes = outcome_per_item(drafts, partial(_store, session))
            pairs = zip(drafts, outcomes, strict=True)
            stored = {draft.student_id for draft, o in pairs if o is Outcome.STORED}
            if stored:
                recompute(session, stored, utc_now())
            return outcomes

    def _store_draft(self, draft: DraftToStore) -> Draft:
        with self.database.unit_of_work() as session:
            stored = _store(session, draft)
            if not stored.is_replay:
                recompute(session, [draft.student_id], utc_now())
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
        with self.database.reading_filtered() as session:
            find_student(session, student_id)
            query = query.where(*conditions(session, filters, _COLUMNS))
            return DRAFTS_BY_TIME.page(session, query, after=after, limit=limit)


def _store(session: Session, draft: DraftToStore) -> Draft:
    find_student(session, draft.student_id, lock=True)
    row = draft.row(utc_now())
    found = _compared(session, draft.student_id, draft.assignment_id, draft.content)
    for name, value in found.items():
        setattr(row, name, value)
    return insert_idempotent(session, row, DraftExists)


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
    revision = compare(words_of(before.content), words) if before else None
    if revision is None:
        return found
    pace = select(Draft.new_words).where(
        Draft.student_id == student_id, Draft.new_words.is_not(None)
    )
    if revision.new_words < MIN_JUMP_WORDS:
        # No jump at any pace; all there is to know is whether a pace is known.
        pace = pace.limit(MIN_REVISIONS)
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
