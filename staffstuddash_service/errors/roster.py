"""Errors of the roster."""

from typing import ClassVar

from shared_db.errors import Conflict, Exists, Invalid, NotFound


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
