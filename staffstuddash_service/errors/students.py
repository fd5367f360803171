"""Errors of students."""

from shared_db.errors import Conflict, Gone, Invalid, Moved, NotFound


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


class StudentHeld(Conflict):
    """Student under a legal hold, of whom nothing is erased."""

    slug = "student-held"
    title = "The student is under a legal hold"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is under a legal hold, so nothing was erased. Read its reason "
            f"with GET /api/v1/students/{student_id}/hold; if it no longer applies, lift it with "
            "DELETE there, and repeat the request.",
            student_id=student_id,
        )


class HoldNotFound(NotFound):
    """Student without a legal hold."""

    slug = "hold-not-found"
    title = "The student is not held"

    def __init__(self, student_id: str) -> None:
        super().__init__(f"Student {student_id} is under no legal hold.", student_id=student_id)


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


class RestrictionNotFound(NotFound):
    """Student without a restriction."""

    slug = "restriction-not-found"
    title = "The student is not restricted"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is not restricted. PUT a restriction to have one.",
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
