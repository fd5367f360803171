"""Errors of assessments, drafts, actions and concepts."""

from shared_db.errors import Conflict, Exists, Invalid, NotFound, ServiceError


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


class ActionNotFound(NotFound):
    """Id of no action."""

    slug = "action-not-found"
    title = "There is no such action"

    def __init__(self, action_id: str) -> None:
        super().__init__(f"No action has the id {action_id}.", action_id=action_id)


class ActionUnchangeable(Conflict):
    """Change that the state of the action does not allow."""

    slug = "action-unchangeable"
    title = "The action cannot be changed like this"

    def __init__(self, action_id: str, reason: str) -> None:
        super().__init__(f"{reason} Nothing was changed.", action_id=action_id)


class NotYourAction(ServiceError):
    """Withdrawal of another person's action."""

    slug = "not-your-action"
    status = 403
    title = "The action is that of another person"

    def __init__(self, action_id: str) -> None:
        super().__init__(
            "Its actor, the person it is assigned to, or a caller who sees all students may "
            "withdraw it.",
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


class ImportNotFound(NotFound):
    """Id of no import."""

    slug = "import-not-found"
    title = "There is no such import"

    def __init__(self, import_id: str) -> None:
        super().__init__(
            f"No import of the last 30 days has the id {import_id}.", import_id=import_id
        )


class ImportNotChecked(Conflict):
    """Change of an import that does not wait for one."""

    slug = "import-not-checked"
    title = "The import does not wait for a confirmation"

    def __init__(self, import_id: str, state: str) -> None:
        super().__init__(
            f"It is {state}. Only an import that is checked can be stored or checked again.",
            import_id=import_id,
        )


class InstantUnknown(Invalid):
    """Instant of which no figures can be computed."""

    slug = "instant-unknown"
    title = "There are no figures of that instant"

    def __init__(self, reason: str) -> None:
        super().__init__(f"`as_of`: {reason}", field="as_of")


class GroupTooLarge(Invalid):
    """Figures of an earlier instant of too many students."""

    slug = "group-too-large"
    title = "The group is too large for an earlier instant"

    def __init__(self, size: int, most: int) -> None:
        super().__init__(
            f"They are computed for at most {most:,} students, and these are {size:,}. Name a "
            "course or class by `course`.",
            field="as_of",
        )
