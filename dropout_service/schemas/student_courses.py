"""Activity and work of a student, and the work that courses set."""

from datetime import date

from dropout_service.domain.activity_buckets import Bucket
from dropout_service.domain.enrolments.submission_states import SubmissionState
from shared_web.requests.fields import Out


class ActivityBucketOut(Out):
    """Active days and events from `begins_on` on; null: not known.

    The median and the quartiles are of the active days of the students enrolled then, null for
    fewer than 5 of them.
    """

    begins_on: date
    active_days: int | None
    events: int | None
    course_median: float | None
    course_low: float | None
    course_high: float | None
    course_students: int | None


class StudentActivityOut(Out):
    """Activity of a student in a course; `course` is null for all of it."""

    course: str | None
    bucket: Bucket
    items: list[ActivityBucketOut]


class SetWorkOut(Out):
    """Piece of work that a course sets; `weight` is in percent."""

    id: str
    title: str
    type: str
    due_on: date | None
    weight: float | None


class StudentSubmissionOut(Out):
    """Piece of work of a student; `excused`: carried over from an earlier attempt.

    A mark of a class of the roster has no type, due day and weight here.
    """

    assessment_id: str
    course: str
    title: str
    type: str | None
    due_on: date | None
    submitted_on: date | None
    percentage: float | None
    weight: float | None
    state: SubmissionState
