"""Changes of stored actions: done, withdrawn, another day, another person, another note."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.repository import Repository
from staffstuddash_service.datastore.actions import log_action, name_people, require_person
from staffstuddash_service.datastore.student_locks import lock_owner
from staffstuddash_service.domain.follow_ups.states import ActionState, is_of_service
from staffstuddash_service.errors import (
    ActionNotFound,
    ActionUnchangeable,
    NotYourAction,
    StudentNotFound,
)
from staffstuddash_service.models import ActionLog

CHANGEABLE = ("state", "due_on", "assigned_to", "note")
_OF_PLANNED = ("due_on", "assigned_to")


class FollowUpRepository(Repository):
    """Changes of stored actions."""

    def update(
        self, action_id: str, changes: Row, *, actor: str, sees_all: bool
    ) -> tuple[ActionLog, bool]:
        """Change an action; equal values are no change and are not logged.

        changes: new values of `CHANGEABLE`; the note belongs to `data`. sees_all: True if the
        caller may withdraw the actions of others. Returns the row, and True for a replay.

        Raises:
            ActionNotFound: no action has that id, or its student was erased.
            ActionUnchangeable: it was logged by the service, or its state does not allow it.
            NotYourAction: only its actor or its assigned person may withdraw it.
            UnknownReference: the roster has no such person.

        """
        query = select(ActionLog.student_id).where(ActionLog.id == action_id)
        of = self.students_of(query, ActionNotFound(action_id))
        return self.write(
            lambda session: _update(session, action_id, changes, actor, sees_all=sees_all), of=of
        )


def _update(
    session: Session, action_id: str, changes: Row, actor: str, *, sees_all: bool
) -> tuple[ActionLog, bool]:
    action = _locked(session, action_id)
    before = _fields(action)
    changed = [name for name in CHANGEABLE if name in changes and changes[name] != before[name]]
    name_people(session, [action])
    if not changed:
        return action, True
    _require_changeable(action, changed)
    is_withdrawal = "state" in changed and changes["state"] == ActionState.WITHDRAWN
    if is_withdrawal and not sees_all and actor not in (action.actor, action.assigned_to):
        raise NotYourAction(action_id)
    if "assigned_to" in changed and changes["assigned_to"] is not None:
        require_person(session, changes["assigned_to"])
    _change(action, {name: changes[name] for name in changed}, actor, utc_now())
    after = _fields(action)
    data = {
        "action_id": action_id,
        "before": {name: _plain(before[name]) for name in changed},
        "after": {name: _plain(after[name]) for name in changed},
    }
    log_action(session, action.student_id, actor, "action.changed", data=data)
    session.flush()
    name_people(session, [action])
    return action, False


def _locked(session: Session, action_id: str) -> ActionLog:
    """Return the action; its student is locked first, as in all writers."""
    found = session.get(ActionLog, action_id)
    if found is None:
        raise ActionNotFound(action_id)
    try:
        lock_owner(session, found.student_id)
    except StudentNotFound:  # a pseudonym
        raise ActionNotFound(action_id) from None
    # Another transaction may have changed or moved it before the lock was granted.
    session.refresh(found)
    return found


def _require_changeable(action: ActionLog, changed: list[str]) -> None:
    if is_of_service(action.action, is_intervention=action.is_intervention):
        reason = "The service logged it, and its own entries stay as they are."
        raise ActionUnchangeable(action.id, reason)
    if action.state == ActionState.WITHDRAWN:
        raise ActionUnchangeable(action.id, "It was withdrawn. Store a new action instead.")
    if action.state == ActionState.DONE and set(changed).intersection(_OF_PLANNED):
        reason = "It is done, so it has neither a day nor a person to do it."
        raise ActionUnchangeable(action.id, reason)


def _change(action: ActionLog, changes: Row, actor: str, now: datetime) -> None:
    if "note" in changes:
        kept = {name: value for name, value in (action.data or {}).items() if name != "note"}
        note = changes["note"]
        action.data = kept | ({} if note is None else {"note": note}) or None
    for name in ("state", *_OF_PLANNED):
        if name in changes:
            setattr(action, name, changes[name])
    if changes.get("state") == ActionState.DONE:
        action.done_at, action.done_by = now, actor


def _fields(action: ActionLog) -> Row:
    note = (action.data or {}).get("note")
    return {
        "state": action.state,
        "due_on": action.due_on,
        "assigned_to": action.assigned_to,
        "note": note,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
