"""Data of a student by service, in words: content of an export, and removed by an erasure."""

from collections import Counter
from collections.abc import Mapping

from veritas_web.domain.marked import N_

_FORMER_IDS = N_("Former ids")
_READS = N_("Records of reads")
_MARKS = N_("Marks")
# By the tables that the answer to an erasure counts. Actions stay under a pseudonym.
RECORDS: Mapping[str, str] = {
    "students": N_("Name and e-mail address"),
    "guardians": N_("Guardians"),
    "student_identifiers": N_("Accounts in other systems"),
    "student_demographics": N_("Demographics"),
    "enrolments": N_("Classes of the student"),
    "advising_assignments": N_("Advisors"),
    "assessment_logs": _MARKS,
    "performance_records": N_("Summary of marks"),
    "concept_standings": N_("Topics that were mastered"),
    "drafts": N_("Drafts"),
    "student_restrictions": N_("Objections"),
    "holds": N_("Legal holds"),
    "break_glass": N_("Openings with a reason"),
    "read_subjects": _READS,
    "aliases": _FORMER_IDS,
}
KEPT = "action_logs"
_BY_DAY = N_("Activity by day")
_PLACES = N_("Places and reasons")
_COURSES = N_("Courses of the student")
ACTIVITY: Mapping[str, str] = {
    "learning_events": N_("Learning events"),
    "daily_activity": _BY_DAY,
    "resource_uses": N_("Use of materials"),
    "submissions": N_("Work handed in"),
    "assessments": _MARKS,
    "mark_corrections": N_("Corrections of marks"),
    "feature_sets": N_("Figures behind the reasons"),
    "dropout_predictions": _PLACES,
    "overall_risks": _PLACES,
    "drawn_places": _PLACES,
    "prediction_feedback": N_("Verdicts on the reasons"),
    "enrolments": _COURSES,
    "enrolment_backgrounds": _COURSES,
    "students": N_("Name and e-mail address"),
    "read_subjects": _READS,
    "aliases": _FORMER_IDS,
}


def removed_rows(removed: Mapping[str, int], known: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return words and number of the removed rows, without kinds that had none.

    known: words by table.

    A table of a newer release has its own name.
    """
    found = Counter[str]()
    for table, count in removed.items():
        if count and table != KEPT:
            found[known.get(table, table)] += count
    return list(found.items())
