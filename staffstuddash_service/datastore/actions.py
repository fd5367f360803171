"""Action log: actions of staff and of the service about students."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypedDict, Unpack

from sqlalchemy import Date, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.dialects import in_list
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.datastore.student_locks import find_student, lock_owner, lock_owners
from staffstuddash_service.domain.follow_ups.states import (
    ANSWER,
    STUDENT_ACTOR,
    ActionOrder,
    ActionState,
)
from staffstuddash_service.errors import ActionExists, UnknownReference
from staffstuddash_service.models import ActionLog, PersonRow

ACTIONS_BY_TIME = Keyset("actions", (ActionLog.timestamp, ActionLog.id), is_descending=True)
# Those without a day come last.
_DUE = func.coalesce(ActionLog.due_on, literal(date.max, Date()), type_=Date)
_KEYSETS = {
    ActionOrder.LATEST: ACTIONS_BY_TIME,
    ActionOrder.DUE: Keyset("actions by day", (_DUE, ActionLog.id)),
}
ACTION_FIELDS = (
    "student_id",
    "actor",
    "action",
    "is_intervention",
    "timestamp",
    "state",
    "due_on",
    "assigned_to",
    "prediction_id",
)
_COLUMNS = {name: getattr(ActionLog, name) for name in ACTION_FIELDS}


@dataclass(frozen=True)
class ActionToStore:
    """New action; without an id one is made, without a timestamp it is now.

    due_on, assigned_to: only of a planned one.
    """

    student_id: str
    actor: str
    action: str
    is_intervention: bool = True
    data: dict[str, Any] | None = None
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None
    state: ActionState = ActionState.DONE
    due_on: date | None = None
    assigned_to: str | None = None
    prediction_id: str | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        # Done ones have the digest of earlier releases, which knew no state.
        digest = content_digest({**sent, "state": None} if self.state == ActionState.DONE else sent)
        return {**sent, "timestamp": self.timestamp or at, "id": id_, "digest": digest}


ACTION = SpoolableType(
    "action",
    ActionToStore,
    ActionLog,
    ActionToStore.values,
    ActionExists,
    replay=lambda manager, actions: manager.actions.add_many(actions),
    subject=lambda new: new.student_id,
)


class Planned(TypedDict, total=False):
    """State of a new action; a planned one may have a day and a person of the roster."""

    state: ActionState
    due_on: date | None
    assigned_to: str | None
    prediction_id: str | None


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
        **planned: Unpack[Planned],
    ) -> ActionLog:
        """Insert an action about a student.

        action: a word of the school's; it stays when the student is erased, `data` does not.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ActionExists: the action's id is stored with other content.
            UnknownReference: the roster has no such person to do it.

        """
        new = ActionToStore(
            student_id, actor, action, is_intervention, data, timestamp, action_id, **planned
        )
        return self.insert(ACTION, new, _insert, of=[student_id])

    def add_answer(
        self,
        student_id: str,
        text: str,
        *,
        written_by: str | None = None,
        action_id: str | None = None,
    ) -> ActionLog:
        """Insert an answer of the student, which nobody can change; the errors are those of `add`.

        written_by: the caller who wrote it down for the student; None: the student did.
        """
        return self.add(
            student_id,
            written_by or STUDENT_ACTOR,
            ANSWER,
            is_intervention=False,
            data={"note": text},
            action_id=action_id,
        )

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
        page = self.page(
            ACTIONS_BY_TIME,
            query,
            require=lambda session: find_student(session, student_id),
            **options,
        )
        return self._named(page)

    def search_shown_to_student(
        self, student_id: str, **options: Unpack[PageOptions]
    ) -> Page[ActionLog]:
        """Return the interventions that were done and the student's answers, the latest first.

        The errors are those of `search_by_student`.
        """
        is_answer = and_(ActionLog.action == ANSWER, ~ActionLog.is_intervention)
        query = select(ActionLog).where(
            ActionLog.student_id == student_id,
            ActionLog.state == ActionState.DONE,
            or_(ActionLog.is_intervention, is_answer),
        )
        return self.page(
            ACTIONS_BY_TIME,
            query,
            require=lambda session: find_student(session, student_id),
            **options,
        )

    def search(
        self, *, order: ActionOrder = ActionOrder.LATEST, **options: Unpack[PageOptions]
    ) -> Page[ActionLog]:
        """Return a page of the actions about all students, by default the latest first."""
        return self._named(self.page(_KEYSETS[order], select(ActionLog), _COLUMNS, **options))

    def _named(self, page: Page[ActionLog]) -> Page[ActionLog]:
        if page.items:
            self.read(lambda session: name_people(session, page.items))
        return page


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
    stored = insert_idempotent(session, ActionLog, row, ActionExists)
    if not stored.is_replay and action.assigned_to is not None:
        require_person(session, action.assigned_to)
    name_people(session, [stored])
    return stored


def _insert_many(session: Session, actions: Sequence[ActionToStore]) -> list[InsertResult]:
    # All locks in one statement, in the order of ids: two such transactions could deadlock.
    lock_owners(session, {action.student_id for action in actions})
    return result_per_item(actions, partial(_insert, session), ACTION.id_of)


def name_people(session: Session, actions: Sequence[ActionLog]) -> None:
    """Set the names of the actors and assigned people that the roster knows."""
    ids = {id_ for one in actions for id_ in (one.actor, one.assigned_to) if id_ is not None}
    is_asked = in_list(PersonRow.id, "ids", session.get_bind().dialect.name)
    query = select(PersonRow.id, PersonRow.name).where(is_asked)
    names: dict[str, str] = {row.id: row.name for row in session.execute(query, {"ids": list(ids)})}
    for action in actions:
        action.actor_name = names.get(action.actor)
        action.assigned_to_name = names.get(action.assigned_to or "")


def require_person(session: Session, person_id: str) -> None:
    """Refuse the id of a person out of the roster, or with an end.

    Raises:
        UnknownReference: the roster has no such person.

    """
    query = select(PersonRow.id).where(PersonRow.id == person_id, PersonRow.ended_at.is_(None))
    if session.scalar(query) is None:
        raise UnknownReference("assigned_to", person_id)
