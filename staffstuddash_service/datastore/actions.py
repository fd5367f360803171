"""The action log: what was done about students, by whom."""

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
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.datastore.student_locks import find_student, lock_students
from staffstuddash_service.errors import ActionExists
from staffstuddash_service.models import ActionLog

ACTIONS_BY_TIME = Keyset("actions", (ActionLog.timestamp, ActionLog.id), is_descending=True)
ACTION_FIELDS = ("student_id", "actor", "action", "is_intervention", "timestamp")
_COLUMNS = {name: getattr(ActionLog, name) for name in ACTION_FIELDS}


@dataclass(frozen=True)
class ActionToStore:
    """An action before it is stored; without an id one is made, without a time it is now."""

    student_id: str
    actor: str
    action: str
    is_intervention: bool = True
    data: dict[str, Any] | None = None
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> ActionLog:
        """Return the row to store."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return ActionLog(
            **{**sent, "timestamp": self.timestamp or at}, id=id_, digest=content_digest(sent)
        )


def _give(manager: "Actions", actions: Sequence[ActionToStore]) -> list[Returned]:
    return manager.store_actions(actions)


ACTION = SpoolableType(
    "action",
    ActionToStore,
    ActionToStore.row,
    ActionExists,
    _give,
    subject=lambda new: new.student_id,
)


class Actions(Repository):
    """What was done about students."""

    def add_action(
        self,
        student_id: str,
        actor: str,
        action: str,
        *,
        is_intervention: bool = True,
        data: dict[str, Any] | None = None,
        timestamp: datetime | None = None,
        action_id: str | None = None,
    ) -> ActionLog:
        """Write down what somebody did about a student.

        action: a word of the school's; it stays when the student is erased, `data` does not.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.
            ActionExists: the action's id is stored with other content.

        """
        new = ActionToStore(student_id, actor, action, is_intervention, data, timestamp, action_id)
        return insert_or_spool(self.database, ACTION, new, self._store_action)

    def store_actions(self, actions: Sequence[ActionToStore]) -> list[Returned]:
        """Store actions in one unit of work; tell what became of each."""
        with self.database.unit_of_work() as session:
            # All at once, or two such units of work could wait for each other.
            lock_students(session, {action.student_id for action in actions})
            return outcome_per_item(actions, partial(_store, session))

    def _store_action(self, action: ActionToStore) -> ActionLog:
        with self.database.unit_of_work() as session:
            return _store(session, action)

    def get_student_actions(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[ActionLog]:
        """Return what was done about the student, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentGone: the student was erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(ActionLog).where(ActionLog.student_id == student_id)
        with self.database.reading() as session:
            find_student(session, student_id)
            return ACTIONS_BY_TIME.page(session, query, after=after, limit=limit)

    def get_actions(
        self,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[ActionLog]:
        """Return what was done about anybody, the latest first.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: the conditions chosen take too long.

        """
        with self.database.reading_filtered() as session:
            query = select(ActionLog).where(*conditions(session, filters, _COLUMNS))
            return ACTIONS_BY_TIME.page(session, query, after=after, limit=limit)


def log_action(
    session: Session, student_id: str, actor: str, action: str, *, data: dict[str, Any] | None
) -> None:
    """Add what this service itself did for the caller to the session's work."""
    done = ActionToStore(student_id, actor, action, is_intervention=False, data=data)
    session.add(done.row(utc_now()))


def _store(session: Session, action: ActionToStore) -> ActionLog:
    # Locked, so that no erasure misses what is written meanwhile.
    find_student(session, action.student_id, lock=True)
    return insert_idempotent(session, action.row(utc_now()), ActionExists)
