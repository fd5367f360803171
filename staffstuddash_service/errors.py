"""What this service refuses."""

from shared_db.errors import Conflict, Exists, Gone, NotFound


class StudentNotFound(NotFound):
    """No student has that id."""

    slug = "student-not-found"
    title = "There is no such student"

    def __init__(self, student_id: str) -> None:
        super().__init__(f"No student has the id {student_id}.", student_id=student_id)


class StudentErased(Gone):
    """The student was erased; the id is not given out again."""

    slug = "student-gone"
    title = "The student was deleted"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} was deleted with everything stored of them, for good.",
            student_id=student_id,
        )


class StudentExists(Conflict):
    """The id is a student's already, sent with other content."""

    slug = "student-exists"
    title = "The student exists with other content"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is stored with another name or e-mail. Nothing was changed.",
            student_id=student_id,
        )


class AssessmentExists(Exists):
    """The id is an assessment's already, sent with other content."""

    slug = "assessment-exists"
    noun = "assessment"


class DraftExists(Exists):
    """The id is a draft's already, sent with other content."""

    slug = "draft-exists"
    noun = "draft"


class ActionExists(Conflict):
    """The Idempotency-Key named another action before."""

    slug = "action-exists"
    title = "The action exists with other content"

    def __init__(self, action_id: str) -> None:
        super().__init__(
            "This Idempotency-Key was used for another action. Nothing was changed.",
            action_id=action_id,
        )


class ConceptNotFound(NotFound):
    """No concept has that id."""

    slug = "concept-not-found"
    title = "There is no such concept"

    def __init__(self, concept_id: str) -> None:
        super().__init__(f"No concept has the id {concept_id}.", concept_id=concept_id)


class ConceptExists(Conflict):
    """The id, or the concept of that subject, is stored with other content."""

    slug = "concept-exists"
    title = "The concept exists with other content"

    def __init__(self, concept_id: str) -> None:
        super().__init__(
            f"The id {concept_id}, or this concept of the subject under another id, is stored "
            "already with other content. Nothing was changed.",
            concept_id=concept_id,
        )
