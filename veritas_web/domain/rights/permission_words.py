"""Permissions, scopes and roles in plain sentences."""

from collections.abc import Mapping

from shared_web.principals import Permission, Scope
from veritas_web.domain.marked import N_

# In the order of forms.
PERMISSIONS: Mapping[str, str] = {
    Permission.STUDENTS_READ: N_("Read students: marks, classes, guardians, activity."),
    Permission.STUDENTS_WRITE: N_("Add and change students and their guardians."),
    Permission.ROSTER_READ: N_("Read classes, courses, terms and staff."),
    Permission.ROSTER_WRITE: N_("Change classes, courses, terms and staff, and import files."),
    Permission.DRAFTS_READ: N_("Read drafts of students."),
    Permission.DRAFTS_WRITE: N_("Store drafts."),
    Permission.MARKS_WRITE: N_("Enter, correct and delete marks."),
    Permission.ACTIONS_READ: N_("Read what staff did and plan."),
    Permission.ACTIONS_WRITE: N_("Write down talks and steps."),
    Permission.PREDICTIONS_READ: N_("Read places and reasons."),
    Permission.PREDICTIONS_WRITE: N_("Compute places and reasons again."),
    Permission.FEEDBACK_WRITE: N_("Judge reasons: they do not apply, or are wrong."),
    Permission.AUDIT_READ: N_("See who read the data of a student."),
    Permission.EXPORT: N_("Download everything that is stored of a student."),
    Permission.ERASE: N_("Erase a student for good, and set legal holds."),
    Permission.MERGE: N_("Join two records of one student."),
    Permission.DEMOGRAPHICS: N_(
        "Read and change demographics, which only the check of fairness uses."
    ),
    Permission.PEOPLE_MANAGE: N_("Give and revoke access, and change roles."),
    Permission.KEYS_MANAGE: N_("Make and revoke the keys of systems."),
    Permission.SYSTEM_READ: N_("See the state of the systems of the school."),
    Permission.SYSTEM_WRITE: N_("Change the limits by which systems are judged."),
    Permission.EVENTS_WRITE: N_("Send what students do in other systems."),
    Permission.LOGS_WRITE: N_("Send the messages of systems."),
    Permission.LOGS_DELETE: N_("Delete old messages of systems."),
    Permission.ACT_AS: N_("Act for any person, as the pages do."),
}
SCOPES: Mapping[str, str] = {
    Scope.READ: N_("Read what staff read"),
    Scope.WRITE: N_("Change what staff change"),
    Scope.INGEST: N_("Send activity and messages"),
    Scope.ADMIN: N_("Everything, apart from acting for persons"),
}
# Roles of every installation.
ROLES: Mapping[str, str] = {
    "admin": N_("Administrator of Veritas"),
    "principal": N_("Principal"),
    "advisor": N_("Advisor"),
    "teacher": N_("Teacher"),
    "student": N_("Student"),
}
# Roles in the roster of the school.
STAFF_ROLES: Mapping[str, str] = {
    "teacher": ROLES["teacher"],
    "aide": N_("Aide"),
    "advisor": ROLES["advisor"],
    "principal": ROLES["principal"],
    "administrator": N_("Administrator"),
}
