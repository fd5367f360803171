"""Errors of staffstuddash; each has the slug of its problem type."""

from shared_db.errors import Conflict, Exists, Gone, Invalid, Moved, NotFound, ServiceError


class StudentNotFound(NotFound):
    """Id of no student."""

    slug = "student-not-found"
    title = "There is no such student"

    def __init__(self, student_id: str) -> None:
        super().__init__(f"No student has the id {student_id}.", student_id=student_id)


class StudentErased(Gone):
    """Id of an erased student, which is never used again."""

    slug = "student-gone"
    title = "The student was deleted"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} was deleted with everything stored of them, for good.",
            student_id=student_id,
        )


class StudentMerged(Moved):
    """Former id of a student, who was merged into another id."""

    slug = "student-merged"
    title = "The student was merged into another id"
    parameter = "student_id"

    def __init__(self, student_id: str, into: str) -> None:
        super().__init__(
            f"Student {student_id} has the id {into} now. Repeat the request with it.",
            target=into,
            student_id=student_id,
            into=into,
        )


class MergedElsewhere(Conflict):
    """Former id of a student, who was merged into an id other than the requested one."""

    slug = "merged-elsewhere"
    title = "The student was merged into another id"

    def __init__(self, student_id: str, into: str) -> None:
        super().__init__(
            f"Student {student_id} was merged into {into}. Merge {into} instead.",
            student_id=student_id,
            into=into,
        )


class SameStudent(Invalid):
    """Ids to merge that are one student already: equal, or the second is an alias of the first."""

    slug = "same-student"
    title = "A student cannot be merged into the same student"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"The ids lead to one student, {student_id}. Name two students.",
            field="into",
            student_id=student_id,
        )


class StudentExists(Conflict):
    """Id of a student that is stored with other content."""

    slug = "student-exists"
    title = "The student exists with other content"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is stored with another name or e-mail. Nothing was changed.",
            student_id=student_id,
        )


class AssessmentExists(Exists):
    """Id of an assessment that is stored with other content."""

    slug = "assessment-exists"
    noun = "assessment"


class AssessmentNotFound(NotFound):
    """Id of no assessment."""

    slug = "assessment-not-found"
    title = "There is no such assessment"

    def __init__(self, assessment_id: str) -> None:
        super().__init__(f"No assessment has the id {assessment_id}.", assessment_id=assessment_id)


class AssessmentDeleted(ServiceError):
    """Id of a deleted assessment, which is never used again.

    It is not `Gone`: the spool removes the rows of erased students, but keeps this one.
    """

    slug = "assessment-deleted"
    status = 410
    title = "The assessment was deleted"

    def __init__(self, assessment_id: str) -> None:
        super().__init__(
            f"Assessment {assessment_id} was deleted. Send a new one under another id.",
            assessment_id=assessment_id,
        )


class ScoreOutOfRange(Invalid):
    """The corrected score does not fit the other fields of the assessment."""

    slug = "score-out-of-range"
    title = "The score is out of range"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The corrected assessment is not valid: {reason}.", field="score")


class DraftExists(Exists):
    """Id of a draft that is stored with other content."""

    slug = "draft-exists"
    noun = "draft"


class ActionExists(Conflict):
    """Idempotency-Key that was used for another action."""

    slug = "action-exists"
    title = "The action exists with other content"

    def __init__(self, action_id: str) -> None:
        super().__init__(
            "This Idempotency-Key was used for another action. Nothing was changed.",
            action_id=action_id,
        )


class ConceptNotFound(NotFound):
    """Id of no concept."""

    slug = "concept-not-found"
    title = "There is no such concept"

    def __init__(self, concept_id: str) -> None:
        super().__init__(f"No concept has the id {concept_id}.", concept_id=concept_id)


class ConceptExists(Conflict):
    """Id, or concept of a subject, that is stored with other content."""

    slug = "concept-exists"
    title = "The concept exists with other content"

    def __init__(self, concept_id: str) -> None:
        super().__init__(
            f"The id {concept_id}, or this concept of the subject under another id, is stored "
            "already with other content. Nothing was changed.",
            concept_id=concept_id,
        )
