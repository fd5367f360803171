"""Data of a student by service, in words: what an erasure removes, and an export contains."""

from collections.abc import Mapping

from veritas_web.domain.marked import N_

_FORMER_IDS = N_("Former ids")
_READS = N_("Records of reads")
# By the tables that the answer to an erasure counts. Actions stay under a pseudonym.
RECORDS: Mapping[str, str] = {
    "students": N_("Name and e-mail address"),
    "guardians": N_("Guardians"),
    "student_identifiers": N_("Accounts in other systems"),
    "student_demographics": N_("Demographics"),
    "enrolments": N_("Classes of the student"),
    "advising_assignments": N_("Advisors"),
    "assessment_logs": N_("Marks"),
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
# Of the second service, which erases by itself; it counts nothing in an answer.
ACTIVITY: tuple[str, ...] = (
    N_("Learning events, and the activity by day"),
    N_("Answers to questions"),
    N_("Work handed in, and its marks"),
    N_("Figures behind the reasons"),
    N_("Places and reasons, and verdicts on them"),
    N_("Courses of the student"),
    _READS,
    _FORMER_IDS,
)


def removed_rows(removed: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return words and number of the removed rows, without kinds that had none.

    A table of a newer release has its own name.
    """
    return [
        (RECORDS.get(table, table), count)
        for table, count in removed.items()
        if count and table != KEPT
    ]
