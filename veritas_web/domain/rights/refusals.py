"""Refusals of the services in plain words, by the end of the problem's type."""

from collections.abc import Mapping

from veritas_web.domain.marked import N_

REFUSALS: Mapping[str, str] = {
    "forbidden": N_(
        "You cannot do this: nobody gives more rights than they have, or to a person without"
        " access."
    ),
    "not-for-persons": N_("Only somebody who sees all students can do this."),
    "unknown-reference": N_("This role is gone. Choose another one."),
    "role-built-in": N_("This role is part of Veritas and cannot be changed. Take another name."),
    "role-not-found": N_("This role is gone."),
    "key-exists": N_(
        "A key of this name was made already, perhaps by this form. It is not shown again: if"
        " nobody copied it, revoke it and make one under another name."
    ),
    "key-not-found": N_("This key is gone."),
    "person-not-found": N_("This person is gone."),
    "student-held": N_("The student is under a legal hold, so nothing was erased."),
    "student-in-sight": N_("You see this student already. Look for them on the page of students."),
    "break-glass-not-needed": N_("You see every student: open the page of the student."),
    "break-glass-for-staff": N_("Only members of staff can open a student."),
    "break-glass-not-found": N_("This opening is gone, or it is not yours."),
    "student-not-found": N_("There is no student of this id."),
    "student-gone": N_("The student of this id was erased."),
    "student-merged": N_("This id is a former one: the student has another id now."),
    "hold-not-found": N_("The student is under no legal hold."),
    "invalid": N_("A field is wrong. Look at each, and send the form again."),
    "invalid-request": N_("A field is wrong. Look at each, and send the form again."),
    "needs-postgresql": N_("This is not possible in an installation that keeps data in memory."),
}
AWAY = N_("A part of Veritas does not answer, so it is not known whether this was done. Try again.")
_OTHER = N_("Veritas refused this, and nothing was changed.")


def refusal_words(slug: str) -> str:
    """Return the text for the reader, to be translated."""
    return REFUSALS.get(slug, _OTHER)
