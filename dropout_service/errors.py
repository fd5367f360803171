"""Errors of this service."""

from dropout_service.domain.enums import RiskLevel
from shared_db.errors import Conflict, Exists, Gone, Invalid, Moved, NotFound, ServiceError


class StudentNotFound(NotFound):
    """No row of a student with that id is stored here."""

    slug = "student-not-found"
    title = "The student is not known here"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Nothing of a student {student_id} is stored in dropout.", student_id=student_id
        )


class EventExists(Exists):
    """An event with that id is stored with other content."""

    slug = "event-exists"
    noun = "event"


class PredictionExists(Exists):
    """A prediction with that id is stored for another student, course or instant."""

    slug = "prediction-exists"
    noun = "prediction"


class PredictionNotFound(NotFound):
    """The student, or the enrolment in a course, has no latest prediction."""

    slug = "prediction-not-found"
    title = "There is no latest prediction"

    def __init__(self, student_id: str, course: str | None = None) -> None:
        subject, members = f"student {student_id}", {"student_id": student_id}
        if course is not None:
            subject, members = f"{subject} in course {course}", {**members, "course": course}
        reason = "none was made yet (POST one), or the student has left"
        super().__init__(f"No prediction of {subject} counts: {reason}.", **members)


class NotAssessable(Invalid):
    """Too little is known of the student, or the student is not in the course."""

    slug = "not-assessable"
    title = "The student is not assessable"

    def __init__(self, student_id: str, missing: str) -> None:
        super().__init__(
            f"Student {student_id} is not assessable: {missing}.",
            student_id=student_id,
            missing=missing,
        )


class StudentRestricted(Conflict):
    """The student is not assessed, because of an objection."""

    slug = "student-restricted"
    title = "The student is not assessed on request"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is not assessed on request. There are neither features nor "
            "predictions until the restriction is lifted in staffstuddash.",
            student_id=student_id,
        )


class StudentErased(Gone):
    """All data of the student were erased, and further data are rejected."""

    slug = "student-deleted"
    title = "The student was deleted"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} was deleted. Nothing is kept of them, and nothing is stored.",
            student_id=student_id,
        )


class StudentNotErased(Conflict):
    """Student whom staffstuddash, where legal holds are kept, has not erased."""

    slug = "student-not-erased"
    title = "The student is not erased in staffstuddash"

    def __init__(self, student_id: str) -> None:
        super().__init__(
            f"Student {student_id} is erased here only after staffstuddash. Delete them there "
            "first; a student whom only this service knows is erased by `veritas erase`.",
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


class StudentExists(Exists):
    """A student with that id is stored with another name or e-mail."""

    slug = "student-exists"
    noun = "student"


class AssessmentExists(Exists):
    """An assessment with that id is stored with other content."""

    slug = "assessment-exists"
    noun = "assessment"


class AssessmentNotFound(NotFound):
    """No mark with that id is stored here; staffstuddash has its own."""

    slug = "assessment-not-found"
    title = "There is no such assessment"

    def __init__(self, assessment_id: str) -> None:
        super().__init__(
            f"No assessment {assessment_id} is stored in dropout; staffstuddash has its own.",
            assessment_id=assessment_id,
        )


class AssessmentDeleted(ServiceError):
    """Id of a deleted mark, which is never used again.

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
    """The corrected score does not fit the other fields of the mark."""

    slug = "score-out-of-range"
    title = "The score is out of range"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The corrected assessment is not valid: {reason}.", field="score")


class FeatureSetExists(Exists):
    """A feature set with that id is stored with another student, instant or content."""

    slug = "feature-set-exists"
    noun = "feature set"


class FeatureSetNotFound(NotFound):
    """No features of the student are stored."""

    slug = "feature-set-not-found"
    title = "There are no features of this student"

    def __init__(self, student_id: str, course: str | None = None) -> None:
        subject, members = f"student {student_id}", {"student_id": student_id}
        if course is not None:
            subject, members = f"{subject} in class {course}", {**members, "course": course}
        super().__init__(
            f"No features of {subject} were stored. POST to have them computed.", **members
        )


class PredictionIdNotFound(NotFound):
    """No prediction has that id."""

    slug = "no-such-prediction"
    title = "There is no such prediction"

    def __init__(self, prediction_id: str) -> None:
        super().__init__(f"There is no prediction {prediction_id}.", prediction_id=prediction_id)


class CourseNotFound(NotFound):
    """The course has no enrolments and, where events are considered, no events."""

    slug = "course-not-found"
    title = "There are no enrolments in this course"

    def __init__(self, course: str) -> None:
        # In quotation marks: a command may be given an empty name.
        super().__init__(f"No enrolments in a course {course!r} are known.", course=course)


class NotAClass(Invalid):
    """The course is an imported one, and features of a course are those of a class."""

    slug = "not-a-class"
    title = "The course is no class of the roster"

    def __init__(self, course: str) -> None:
        super().__init__(
            f"{course} is an imported course, and no class of the roster. Leave the course out:"
            " the features then count all of the student's events and marks.",
            field="course",
            course=course,
        )


class LevelDisagrees(Invalid):
    """The risk level is not that of the risk score."""

    slug = "level-disagrees"
    title = "The risk level is not that of the score"

    def __init__(self, score: float, level: RiskLevel, right: RiskLevel) -> None:
        super().__init__(
            f"A risk score of {score} is {right}, not {level}. Leave the level out, or correct it.",
            field="risk_level",
        )


class ModelNotFound(NotFound):
    """No model of that version was learned here."""

    slug = "model-not-found"
    title = "There is no such model"

    def __init__(self, version: str) -> None:
        super().__init__(
            f"No model {version} was learned here; rules-... and what was given from outside have "
            "none. GET /api/v1/models lists those that were.",
            version=version,
        )
