"""States of actions about students, and the words of actions that the service logs itself."""

from enum import StrEnum

# Beginnings of the words of entries that the service logs; they are never changed.
OF_SERVICE = ("action.", "assessment.", "break-glass.", "student.")
# Answer of a student, and its actor: no id, so that nothing is left of it after an erasure.
ANSWER = "student.answer"
STUDENT_ACTOR = "student"


class ActionState(StrEnum):
    """State of an action: a planned one is done or withdrawn later, a done one may be withdrawn."""

    PLANNED = "planned"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class ActionOrder(StrEnum):
    """Order of a list of actions: the latest first, or by the day on which they are due."""

    LATEST = "-timestamp"
    DUE = "due_on"


def is_of_service(action: str, *, is_intervention: bool) -> bool:
    """Return True if an entry of the action log was logged by the service itself."""
    return not is_intervention and action.startswith(OF_SERVICE)
