"""A course of OULAD as a demonstration: what is sent of it, and what became of the students."""

from collections.abc import Iterator, Sequence

from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.oulad.course import FULL_SCORE, ActiveDay, Course, OuladError, Student, Submission

DEFAULT_DAY = 100
_LOST = ("Withdrawn", "Fail")


def course_demonstration(course: Course, day: int) -> Demonstration:
    """Return the demonstration of a course with predictions as of the end of a day.

    Predicted are only those who are registered then: of those who have left it is known.

    Raises:
        OuladError: the course has no such day, or nobody is registered on it.

    """
    if not 0 <= day <= course.length_days:
        raise OuladError(
            f"Day {day} is not in {course.name}: it has the days 0 to {course.length_days}."
        )
    present = [student for student in course.students if student.is_registered_on(day)]
    if not present:
        raise OuladError(f"Nobody is registered in {course.name} on day {day}.")
    name = course.name
    return Demonstration(
        title=f"{name} of OULAD, {len(course.students)} students",
        as_of=name.end_of(day),
        as_of_words=f"the end of day {day} ({name.date_of(day).day} {name.date_of(day):%B %Y})",
        students=[_student_body(student) for student in course.students],
        assessments=[_assessment_body(course, submission) for submission in course.submissions],
        event_count=len(course.active_days),
        events=lambda: _event_bodies(course),
        predictions={_id(s.id): f"oulad-{name.id}-{s.id}-day-{day}" for s in present},
        outcome_heading="What became of them",
        outcomes={_id(student.id): _outcome(student) for student in course.students},
        lost=frozenset(_id(s.id) for s in course.students if s.result in _LOST),
        notes=_notes(course, day, present),
    )


def _id(number: str) -> str:
    return f"oulad-{number}"


def _student_body(student: Student) -> Body:
    return {"id": _id(student.id), "name": f"Student {student.id}"}


def _assessment_body(course: Course, submission: Submission) -> Body:
    return {
        "id": f"oulad-{submission.assessment_id}-{submission.student_id}",
        "student_id": _id(submission.student_id),
        "type": submission.type,
        "subject": course.name.module,
        "score": submission.score,
        "max_score": FULL_SCORE,
        "timestamp": course.name.noon_of(submission.day).isoformat(),
    }


def _event_bodies(course: Course) -> Iterator[Body]:
    # One event a day, the finest that the data have. Weeks would do harm: a week's event stands at
    # its last active day, so that clicks after the day of the prediction would hide those before.
    for (student, day), activity in course.active_days.items():
        yield {
            "id": f"oulad-{course.name.id}-{student}-day-{day}",
            "student_id": _id(student),
            "event_type": "RESOURCE_VIEW",
            "course": course.name.id,
            "occurred_at": course.name.noon_of(day).isoformat(),
            "data": _activity(activity),
        }


def _activity(activity: ActiveDay) -> Body:
    # The file repeats rows on purpose; how many were added up stays visible.
    return {
        "clicks": activity.clicks.total(),
        "rows": activity.rows,
        "clicks_by_activity": dict(sorted(activity.clicks.items())),
    }


def _outcome(student: Student) -> str:
    left = student.unregistered_on
    if student.result == "Withdrawn":
        return "Withdrawn, day not known" if left is None else f"Withdrawn on day {left}"
    return student.result if left is None else f"{student.result}, left on day {left}"


def _notes(course: Course, day: int, present: Sequence[Student]) -> list[str]:
    left = sum(s.unregistered_on is not None and s.unregistered_on <= day for s in course.students)
    late = len(course.students) - len(present) - left
    undated = sum(s.result == "Withdrawn" and s.unregistered_on is None for s in present)
    last = course.last_active_day
    notes = {
        f"Without a prediction: students who had left by the end of day {day} ({left}).": left,
        f"Without a prediction: students who registered after day {day} ({late}).": late,
        "With a prediction: students who withdrew on a day that the data do not give, perhaps "
        f"before ({undated}).": undated,
        f"Left out: submissions without a score ({course.unscored}).": course.unscored,
        f"Left out: scores carried over from an earlier presentation "
        f"({course.banked}).": course.banked,
        "The file has no clicks of this course. That is missing, not zero: only assessments tell "
        "of activity here, so silence is overrated.": last is None,
        f"The file's clicks of this course end on day {last}: after it they are missing, not zero, "
        "so silence is overrated.": last is not None and last < day,
    }
    return [note for note, applies in notes.items() if applies]
