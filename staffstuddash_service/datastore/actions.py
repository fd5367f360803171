"""Action log: actions of staff and of the service about students."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.datastore.student_locks import find_student, lock_owner, lock_owners
from staffstuddash_service.errors import ActionExists
from staffstuddash_service.models import ActionLog

ACTIONS_BY_TIME = Keyset("actions", (ActionLog.timestamp, ActionLog.id), is_descending=True)
ACTION_FIELDS = ("student_id", "actor", "action", "is_intervention", "timestamp")
_COLUMNS = {name: getattr(ActionLog, name) for name in ACTION_FIELDS}


@dataclass(frozen=True)
class ActionToStore:
    """New action; without an id one is made, without a timestamp it is now."""

    student_id: str
    actor: str
    action: str
    is_intervention: bool = True
    data: dict[str, Any] | None = None
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        timestamp = self.timestamp or at
        return {**sent, "timestamp": timestamp, "id": id_, "digest": content_digest(sent)}


ACTION = SpoolableType(
    "action",
    ActionToStore,
    ActionLog,
    ActionToStore.values,
    ActionExists,
    replay=lambda manager, actions: manager.actions.add_many(actions),
    subject=lambda new: new.student_id,
)


class ActionRepository(Repository):
    """Actions about students."""

    def add(
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
        """Insert an action about a student.

        action: a word of the school's; it stays when the student is erased, `data` does not.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ActionExists: the action's id is stored with other content.

        """
        new = ActionToStore(student_id, actor, action, is_intervention, data, timestamp, action_id)
        return self.insert(ACTION, new, _insert, of=[student_id])

    def add_many(self, actions: Sequence[ActionToStore]) -> list[InsertResult]:
        """Insert actions; return the result of each, in order."""
        return self.insert_many(ACTION, actions, _insert_many, of=lambda new: new.student_id)

    def search_by_student(self, student_id: str, **options: Unpack[PageOptions]) -> Page[ActionLog]:
        """Return the actions about the student, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ServiceError: as `Repository.page`.

        """
        query = select(ActionLog).where(ActionLog.student_id == student_id)
        return self.page(
            ACTIONS_BY_TIME,
            query,
            require=lambda session: find_student(session, student_id),
            **options,
        )

    def search(self, **options: Unpack[PageOptions]) -> Page[ActionLog]:
        """Return a page of the actions about all students, the latest first."""
        return self.page(ACTIONS_BY_TIME, select(ActionLog), _COLUMNS, **options)


def log_action(
    session: Session, student_id: str, actor: str, action: str, *, data: dict[str, Any] | None
) -> None:
    """Add an action of this service to the session; it is inserted with the next flush."""
    done = ActionToStore(student_id, actor, action, is_intervention=False, data=data)
    session.add(ActionLog(**done.values(utc_now())))


def _insert(session: Session, action: ActionToStore) -> ActionLog:
    # The lock makes a concurrent erasure wait, which would miss the new row.
    student = lock_owner(session, action.student_id)
    row = {**action.values(utc_now()), "student_id": student.id}
    return insert_idempotent(session, ActionLog, row, ActionExists)


def _insert_many(session: Session, actions: Sequence[ActionToStore]) -> list[InsertResult]:
    # All locks in one statement, in the order of ids: two such transactions could deadlock.
    lock_owners(session, {action.student_id for action in actions})
    return result_per_item(actions, partial(_insert, session), ACTION.id_of)
