"""Permissions of the roles of the matrix, and the ids in the paths of its requests."""

from datetime import timedelta
from types import MappingProxyType

from shared_db.clock import utc_now
from shared_web.principals import Permission

# Permissions of the roles, as docs/security.md has them. `deputy` is a role of the school.
_ADVISOR = (
    "students.read roster.read drafts.read actions.read actions.write predictions.read"
    " predictions.write feedback.write"
)
_ALL = " ".join(set(Permission) - {Permission.ACT_AS})
MAY = MappingProxyType(
    {
        "admin": frozenset(_ALL.split()),
        "principal": frozenset(f"{_ADVISOR} system.read export audit.read".split()),
        "advisor": frozenset(_ADVISOR.split()),
        "teacher": frozenset(f"{_ADVISOR} marks.write".split()),
        "deputy": frozenset(_ALL.split()),
        "student": frozenset({"students.read", "drafts.read", "drafts.write"}),
    }
)

# Values of parameters of paths; rows of students are named after them.
_TODAY = utc_now().date()
PATH = {
    "student_id": "{s}",
    "assessment_id": "mark-0-{s}",
    "action_id": "action-{s}",
    "incident_id": "incident",
    "prediction_id": "prediction-{s}",
    "feedback_id": "spare",
    "organisation_id": "school",
    "term_id": "year",
    "course_id": "math",
    "course": "c-own",
    "class_id": "c-own",
    "person_id": "teacher",
    "concept_id": "fractions",
    "name": "spare",
    "opening_id": "spare",
    "import_id": "spare",
    "version": "spare",
    "event_id": "fault",
    "source": "catalogue",
    "week": str(_TODAY - timedelta(days=_TODAY.weekday())),
}
