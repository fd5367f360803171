"""Names of the words of actions that the pages write; schools may have further ones."""

from collections.abc import Mapping

from veritas_web.domain.marked import N_

# Entry of the log that says that another action was changed.
CHANGED = "action.changed"

# Answer of a student, and its actor.
ANSWER = "student.answer"
STUDENT_ACTOR = "student"

NAMES: Mapping[str, str] = {
    "talk.with-student": N_("Talk with the student"),
    "talk.with-parents": N_("Talk with the parents"),
    "step": N_("Step"),
    ANSWER: N_("Answer of the student"),
}
