"""Errors of break-glass."""

from shared_db.errors import Conflict, NotFound, ServiceError


class BreakGlassForStaff(ServiceError):
    """Caller who is no member of staff in the roster."""

    slug = "break-glass-for-staff"
    status = 403
    title = "Only staff open students outside their rights"

    def __init__(self) -> None:
        super().__init__(
            "Only a member of staff of the roster, who has not ended, opens a student outside their"
            " rights. Ask somebody who teaches or advises the student."
        )


class BreakGlassNotNeeded(Conflict):
    """Caller who sees every student."""

    slug = "break-glass-not-needed"
    title = "This caller sees every student"

    def __init__(self) -> None:
        super().__init__("This caller sees every student. Read the student without opening them.")


class StudentInSight(Conflict):
    """Student whom the person teaches or advises today."""

    slug = "student-in-sight"
    title = "The student is in sight"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is in your sight by the roster. Read them without opening them.",
            student_id=student_id,
        )


class BreakGlassNotFound(NotFound):
    """Id of no opening, or of an opening of another person."""

    slug = "break-glass-not-found"
    title = "There is no such opening"

    def __init__(self, opening_id: str) -> None:
        super().__init__(
            f"No opening {opening_id} is yours. GET /api/v1/break-glass lists all of them, for"
            " persons who see every student.",
            opening_id=opening_id,
        )
