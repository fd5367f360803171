"""Errors of staffstuddash; each has the slug of its problem type."""

from typing import ClassVar

from shared_db.errors import Conflict, Exists, Gone, Invalid, NotFound, ServiceError


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


class RosterNotFound(NotFound):
    """Id of no `noun` of the roster."""

    slug = "roster-not-found"
    title = "There is no such row of the roster"
    noun: ClassVar[str] = "relation"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.title = f"There is no such {cls.noun}"

    def __init__(self, id_: str) -> None:
        super().__init__(f"No {self.noun} has the id {id_}.", **{f"{self.noun}_id": id_})


class OrganisationNotFound(RosterNotFound):
    """Id of no organisation."""

    slug = "organisation-not-found"
    noun = "organisation"


class TermNotFound(RosterNotFound):
    """Id of no term."""

    slug = "term-not-found"
    noun = "term"


class CourseNotFound(RosterNotFound):
    """Id of no course."""

    slug = "course-not-found"
    noun = "course"


class ClassNotFound(RosterNotFound):
    """Id of no class."""

    slug = "class-not-found"
    noun = "class"


class PersonNotFound(RosterNotFound):
    """Id of no person."""

    slug = "person-not-found"
    noun = "person"


class RelationNotFound(NotFound):
    """Relation that never was."""

    slug = "relation-not-found"
    title = "There is no such relation"

    def __init__(self, **ids: str) -> None:
        named = " and ".join(f"{name.removesuffix('_id')} {id_}" for name, id_ in ids.items())
        super().__init__(f"There never was such a relation of {named}.", **ids)


class DemographicsNotFound(NotFound):
    """Student without demographics."""

    slug = "demographics-not-found"
    title = "The student has no demographics"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"No demographics of student {student_id} are stored.", student_id=student_id
        )


class UnknownReference(Invalid):
    """Field with the id of no row."""

    slug = "unknown-reference"
    title = "A field refers to a row that does not exist"

    def __init__(self, field: str, id_: str) -> None:
        super().__init__(
            f"`{field}` refers to {id_}, which is not stored. Store it first.", field=field
        )


class RosterEnded(Conflict):
    """New relation to a class or person that has ended."""

    slug = "roster-ended"
    title = "The class or person has ended"

    def __init__(self, field: str, id_: str) -> None:
        noun = field.removesuffix("_id")
        super().__init__(
            f"The {noun} {id_} has ended. Replace it by PUT, so that it begins again.",
            **{field: id_},
        )


class GuardianExists(Exists):
    """Id of a guardian that is stored for another student."""

    slug = "guardian-exists"
    noun = "guardian"


class IdentifierExists(Conflict):
    """Identifier that is stored for another student."""

    slug = "identifier-exists"
    title = "The identifier belongs to another student"

    def __init__(self, _key: str) -> None:
        super().__init__(
            "A system, kind and value identify one student, and are stored for another one. Remove "
            "the identifier there first."
        )


class RepeatedInBatch(Conflict):
    """Id that an earlier record of the batch has with other content."""

    slug = "repeated-in-batch"
    title = "An earlier record has the id with other content"

    def __init__(self, id_: str) -> None:
        super().__init__("Send one record for each id.", id=id_)


class RecordExists(Exists):
    """Id of a record of the roster that is stored with other content, or has ended."""

    slug = "record-exists"
    noun = "record"


class RecordInvalid(Invalid):
    """Record of the roster with a wrong field."""

    slug = "record-invalid"
    title = "A field of the record is wrong"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"`{field}` {reason}.", field=field)
