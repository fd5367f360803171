"""What this service refuses."""

from shared_db.errors import Conflict, Invalid, NotFound


class StudentNotFound(NotFound):
    """Nothing was heard of a student with that id."""

    title = "There is no such student"

    def __init__(self, student_id: str) -> None:
        super().__init__(f"Nothing is known of a student {student_id}.", student_id=student_id)


class EventExists(Conflict):
    """The id is an event's already, sent with other content."""

    title = "The event exists with other content"

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"Event {event_id} is stored with other content. Nothing was changed.",
            event_id=event_id,
        )


class PredictionExists(Conflict):
    """The id is a prediction's already, made of another student or instant."""

    title = "The prediction exists with other content"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(
            f"Prediction {prediction_id} is stored with other content. Nothing was changed.",
            prediction_id=prediction_id,
        )


class PredictionNotFound(NotFound):
    """No prediction was made of the student yet."""

    title = "There is no prediction of this student"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"No prediction was made of student {student_id}. POST one first.",
            student_id=student_id,
        )


class NotAssessable(Invalid):
    """Too little is known of the student to say anything."""

    title = "The student is not assessable"

    def __init__(self, student_id: str, missing: str) -> None:
        super().__init__(
            f"No prediction can be made of student {student_id}: {missing}.",
            student_id=student_id,
            missing=missing,
        )
