"""What this service refuses."""

from shared_db.errors import Conflict, NotFound


class StudentNotFound(NotFound):
    """No student has that id."""

    title = "There is no such student"

    def __init__(self, student_id: str) -> None:
        super().__init__(f"No student has the id {student_id}.", student_id=student_id)


class StudentExists(Conflict):
    """The id is a student's already, sent with other content."""

    title = "The student exists with other content"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is stored with another name or e-mail. Nothing was changed.",
            student_id=student_id,
        )


class AssessmentExists(Conflict):
    """The id is an assessment's already, sent with other content."""

    title = "The assessment exists with other content"

    def __init__(self, assessment_id: str) -> None:
        super().__init__(
            f"Assessment {assessment_id} is stored with other content. Nothing was changed.",
            assessment_id=assessment_id,
        )
