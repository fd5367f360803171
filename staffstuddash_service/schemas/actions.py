"""Bodies of actions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared_web.requests.fields import (
    AdditionOut,
    Body,
    Id,
    JsonObject,
    PastInstant,
    Reason,
)
from staffstuddash_service.domain.follow_ups.states import ANSWER, STUDENT_ACTOR, ActionState
from staffstuddash_service.schemas.roster.fields import Day

ActionWord = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$")
]
NewState = Annotated[Literal["planned", "done"], AfterValidator(ActionState)]
LONGEST_ANSWER = 500
LaterState = Annotated[Literal["done", "withdrawn"], AfterValidator(ActionState)]


class NewAction(Body):
    """Action about a student, as a word of the school's; details belong into `data`."""

    action: ActionWord = Field(
        description="Stays when the student is erased, so it must not name them.",
        examples=["talk.with-parents"],
    )
    is_intervention: bool = Field(default=True, description="False for a mere note.")
    data: JsonObject | None = Field(
        None, description="Erased with the student.", examples=[{"note": "wants more exercises"}]
    )
    timestamp: PastInstant | None = Field(
        None, description="Of the action, or of its planning; by default now."
    )
    state: NewState = Field(
        "done",
        validate_default=True,
        description="A planned action is no intervention until it is done.",
    )
    due_on: Day | None = Field(None, description="Day by which a planned action is to be done.")
    assigned_to: Id | None = Field(
        None,
        description="Id of the person in the roster for a planned action; by default the caller, "
        "if it is a person.",
        examples=["t001"],
    )
    prediction_id: Id | None = Field(None, description="Of the prediction that led to it.")

    @model_validator(mode="after")
    def _require_planned(self) -> Self:
        if self.state == "done" and (self.due_on or self.assigned_to):
            raise ValueError("due_on and assigned_to are only of a planned action")
        return self


class ActionChange(Body):
    """Change of an action; at least one field is needed.

    A done action can only be withdrawn or get another note, a withdrawn one stays as it is.
    """

    state: LaterState = Field(
        "done", description="`withdrawn` is the undo: the row stays and does not count."
    )
    due_on: Day | None = Field(None, description="Another day, or null for none.")
    assigned_to: Id | None = Field(None, description="Another person, or null for nobody.")
    note: Reason | None = Field(None, description="`note` of `data`; null removes it.")

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("must name what to change: state, due_on, assigned_to, note")
        return self


class NewAnswer(Body):
    """Answer of a student to the actions about them, in a few sentences."""

    text: Annotated[Reason, Field(max_length=LONGEST_ANSWER)] = Field(
        description="Staff read it beside their actions. Erased with the student.",
        examples=["I was ill, and hand it in on Monday."],
    )


class ShownActionOut(AdditionOut):
    """Action as its student sees it: without names, notes and predictions of staff.

    `text`: of an answer. `is_own`: true for an answer that the student wrote.
    """

    id: str
    action: str
    timestamp: datetime
    text: str | None
    is_own: bool

    @classmethod
    def of(cls, action: Any) -> Self:
        """Return the body of a stored action."""
        is_answer = action.action == ANSWER and not action.is_intervention
        return cls(
            id=action.id,
            action=action.action,
            timestamp=action.done_at or action.timestamp,
            text=(action.data or {}).get("note") if is_answer else None,
            is_own=is_answer and action.actor == STUDENT_ACTOR,
            pending=action.is_pending,
        )


class ActionOut(AdditionOut):
    """Action as stored; for an erased student `student_id` is the pseudonym.

    `actor_name` and `assigned_to_name` are those of the roster, null if it has no such person.
    """

    id: str
    student_id: str
    actor: str
    actor_name: str | None
    action: str
    is_intervention: bool
    data: dict[str, Any] | None
    timestamp: datetime
    state: ActionState
    due_on: date | None
    assigned_to: str | None
    assigned_to_name: str | None
    prediction_id: str | None
    done_at: datetime | None
    done_by: str | None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        # An action that was stored as done has only its timestamp and its actor.
        if self.state == ActionState.DONE and self.done_at is None:
            self.done_at, self.done_by = self.timestamp, self.actor
        return self
