"""Routes that show students, and kinds of callers, in words for the list of reads."""

from collections.abc import Mapping

from veritas_web.domain.marked import N_

_PREFIX = "/api/v1"
_STUDENT = "/students/{student_id}"
_FIGURES = N_("Figures behind the reasons")
_PLACES = N_("Places and reasons")
_CHANGES = N_("Changes of places")
# By the template of the path below `/api/v1`.
_READS: Mapping[str, str] = {
    "/students": N_("List of students"),
    _STUDENT: N_("Record of the student"),
    f"{_STUDENT}/export": N_("Download of everything"),
    f"{_STUDENT}/hold": N_("Legal hold"),
    f"{_STUDENT}/restriction": N_("Objection"),
    f"{_STUDENT}/assessments": N_("Marks"),
    f"{_STUDENT}/corrections": N_("Corrections of marks"),
    f"{_STUDENT}/drafts": N_("Drafts"),
    f"{_STUDENT}/reads": N_("Reads of the data"),
    f"{_STUDENT}/performance": N_("Summary of marks"),
    f"{_STUDENT}/actions": N_("Talks and steps"),
    f"{_STUDENT}/shown-actions": N_("Talks and steps"),
    f"{_STUDENT}/classes": N_("Classes of the student"),
    f"{_STUDENT}/guardians": N_("Guardians"),
    f"{_STUDENT}/identifiers": N_("Accounts in other systems"),
    f"{_STUDENT}/demographics": N_("Demographics"),
    f"{_STUDENT}/events": N_("Learning events"),
    f"{_STUDENT}/attempts": N_("Answers to questions"),
    f"{_STUDENT}/submissions": N_("Work handed in"),
    f"{_STUDENT}/activity": N_("Activity by week"),
    f"{_STUDENT}/features": _FIGURES,
    f"{_STUDENT}/features/latest": _FIGURES,
    f"{_STUDENT}/predictions": _PLACES,
    f"{_STUDENT}/predictions/latest": _PLACES,
    "/predictions": N_("List of places and reasons"),
    "/predictions/{prediction_id}/feedback": N_("Verdicts on the reasons"),
    "/performance-records": N_("List of marks"),
    "/actions": N_("List of talks and steps"),
    "/dashboard/teacher": N_("List of a class"),
    f"/dashboard{_STUDENT.replace('students', 'student')}": N_("Page of the student"),
    "/dashboard/cohort": N_("Figures of a class"),
    "/classes/{class_id}/students": N_("Students of a class"),
    "/people/{person_id}/students": N_("Students of an advisor"),
    "/leavers": N_("List of those who left"),
    "/break-glass": N_("List of openings"),
    "/courses/{course}/risks": N_("Places in a class"),
    "/courses/{course}/activity": N_("Activity in a class"),
    "/courses/{course}/changes": _CHANGES,
    "/changes": _CHANGES,
    "/analytics/summary": N_("Summary of the school"),
}
KINDS: Mapping[str, str] = {
    "system": N_("a system"),
    "person": N_("a member of staff"),
    "student": N_("a student"),
}


def read_words(route: str | None) -> str | None:
    """Return the words of a route; None: of a newer release, or not known."""
    return _READS.get((route or "").removeprefix(_PREFIX))
