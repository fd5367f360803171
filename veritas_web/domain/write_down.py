"""Notes of staff about a student: an action, a plan, or a verdict on the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from veritas_web.domain.marked import N_

LONGEST_NOTE = 500


class Kind(StrEnum):
    """Kind of a note."""

    TALKED = "talked"
    PLAN = "plan"
    NOT_APPLICABLE = "not_applicable"
    INCORRECTLY_FLAGGED = "incorrectly_flagged"

    @property
    def is_verdict(self) -> bool:
        """True if it judges the reasons, and is no action."""
        return self in {Kind.NOT_APPLICABLE, Kind.INCORRECTLY_FLAGGED}


KINDS: Mapping[Kind, str] = {
    Kind.TALKED: N_("I talked with them"),
    Kind.PLAN: N_("I plan a step"),
    Kind.NOT_APPLICABLE: N_("This does not apply"),
    Kind.INCORRECTLY_FLAGGED: N_("Wrongly listed"),
}
# Verdicts on the reasons, as the services name them.
VERDICTS: Mapping[str, str] = {
    "accepted": N_("Confirmed"),
    "not_applicable": KINDS[Kind.NOT_APPLICABLE],
    "incorrectly_flagged": KINDS[Kind.INCORRECTLY_FLAGGED],
}
REASONS: Mapping[str, str] = {
    "already_in_contact": N_("We are in contact already"),
    "sign_is_wrong": N_("A reason is not true"),
    "cause_is_known": N_("The cause is known"),
    "other": N_("Something else"),
}
_ACTIONS = {Kind.TALKED: "talk.with-student", Kind.PLAN: "step"}


@dataclass(frozen=True)
class Note:
    """Filled-in form."""

    kind: Kind
    text: str
    reason: str | None
    due_on: date | None
    assigned_to: str | None
    prediction_id: str | None

    def problems(self, today: date) -> dict[str, str]:
        """Return the problems by field; their texts are to be translated."""
        found = {}
        if self.kind is Kind.PLAN and not self.text:
            found["text"] = N_("Write which step you plan.")
        if self.kind is Kind.PLAN and self.due_on is None:
            found["due_on"] = N_("Choose the day by which it is to be done.")
        elif self.kind is Kind.PLAN and self.due_on is not None and self.due_on < today:
            found["due_on"] = N_("This day is over: choose today or a later day.")
        if self.kind.is_verdict and self.prediction_id is None:
            found["kind"] = N_("There are no reasons that you could judge.")
        if self.kind.is_verdict and self.reason is None:
            found["reason"] = N_("Choose a reason.")
        if len(self.text) > LONGEST_NOTE:
            found["text"] = N_("Use at most 500 characters.")
        return found

    def action(self) -> dict[str, Any]:
        """Return the action to send."""
        body: dict[str, Any] = {"action": _ACTIONS[self.kind]}
        if self.text:
            body["data"] = {"note": self.text}
        if self.prediction_id:
            body["prediction_id"] = self.prediction_id
        if self.kind is Kind.PLAN:
            body["state"] = "planned"
            body["due_on"] = self.due_on.isoformat() if self.due_on else None
            if self.assigned_to:
                body["assigned_to"] = self.assigned_to
        return body

    def feedback(self) -> dict[str, Any]:
        """Return the verdict to send."""
        body: dict[str, Any] = {"verdict": str(self.kind), "reason": self.reason}
        if self.text:
            body["note"] = self.text
        return body
