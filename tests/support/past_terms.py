"""School with terms that are over: its classes, marks and events, and the students who left."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.predictions.by_class import ClassAssessment
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.domain.roster import Course, Enrolment, Term, TermType
from tests.support.rosters import SCHOOL, a_class, outcomes

LENGTH = 70
# Number of leavers in each class of `fill_class`.
LEAVERS = 9
STUDENTS = [f"s{number:03}" for number in range(60)]
FIRST, SECOND = STUDENTS[:30], STUDENTS[30:]
# First days of two terms that are over, and of one that runs.
FIRST_DAYS = {
    "autumn": utc_now().date() - timedelta(days=300),
    "spring": utc_now().date() - timedelta(days=150),
    "now": utc_now().date() - timedelta(days=30),
}


class PastSchool:
    """School on PostgreSQL with the course `math`, and the three terms."""

    def __init__(self, database: Database) -> None:
        self.datastore = DatastoreManager(database)
        self.dropout = DropoutDatabaseManager(database)
        outcomes(self.datastore, SCHOOL)
        course = Course("math", "Mathematics", organisation_id="school", subjects=("Math",))
        outcomes(self.datastore, course)
        for name, first in FIRST_DAYS.items():
            last = first + timedelta(days=LENGTH - 1)
            outcomes(self.datastore, Term(name, name, TermType.SEMESTER, first, last))

    def add_class(self, id_: str, term: str, **changes: object) -> None:
        """Store a class of the course in a term."""
        values = {"term_ids": (term,), "subjects": ("Math",), **changes}
        assert outcomes(self.datastore, a_class(id_, **values)) == ["stored"]

    def add_students(self, *ids: str) -> None:
        """Store students."""
        self.datastore.students.add_many([StudentToStore(id_, None, id_) for id_ in ids])

    def enrol(
        self,
        class_id: str,
        term: str,
        *students: str,
        first: int | None = 0,
        end: int | None = None,
    ) -> None:
        """Enrol students from one day of the term to before another one."""
        self.enrol_until(class_id, term, dict.fromkeys(students, end), first=first)

    def enrol_until(
        self, class_id: str, term: str, ends: Mapping[str, int | None], first: int | None = 0
    ) -> None:
        """Enrol students from one day of the term to before another one of each."""
        records = [
            Enrolment(
                f"{class_id}-{student}-{first}",
                student,
                class_id,
                valid_from=None if first is None else day_of(term, first),
                valid_to=None if end is None else day_of(term, end),
            )
            for student, end in ends.items()
        ]
        assert set(outcomes(self.datastore, *records)) == {"stored"}

    def end_enrolment(self, class_id: str, student: str, day: int) -> None:
        """End an enrolment in a class of the running term before a day of it."""
        first, end = day_of("now", 0), day_of("now", day)
        record = Enrolment(f"{class_id}-{student}-0", student, class_id, first, end)
        assert outcomes(self.datastore, record) == ["changed"]

    def work(self, class_id: str, term: str, student: str, *on_days: int) -> None:
        """Store a right answer in the class on each of these days of the term."""
        self.dropout.events.add_many(
            [
                EventToStore(
                    student,
                    EventType.QUESTION_SUBMIT,
                    question_id=f"q-{class_id}-{day}",
                    course=class_id,
                    data={"correct": True},
                    occurred_at=noon(term, day),
                )
                for day in on_days
            ]
        )

    def mark(self, term: str, student: str, day: int, score: float, subject: str = "Math") -> None:
        """Store a mark of so many of 100 points on a day of the term."""
        self.datastore.assessments.add_many(
            [AssessmentToStore(student, "quiz", subject, score, timestamp=noon(term, day))]
        )

    def assess_class(self, class_id: str, as_of: datetime) -> ClassAssessment:
        """Return the assessment of a class."""
        assessed = self.dropout.batch_predictions.assess_class(class_id, as_of)
        assert assessed is not None
        return assessed

    def predict_class(self, class_id: str, as_of: datetime) -> ClassAssessment:
        """Predict a class as `veritas predict --course` does, and return the assessment."""
        assessed = self.assess_class(class_id, as_of)
        batch = self.dropout.batch_predictions
        batch.add_class_assessments([(assessed, id_) for id_ in assessed.students])
        batch.supersede_outdated(as_of, class_id)
        return assessed


def fill_class(school: PastSchool, class_id: str, term: str, students: Sequence[str]) -> None:
    """Enrol students who work every third day or so; the first ones stop, and leave later."""
    random = Random(class_id)
    school.add_class(class_id, term)
    events, ends = [], {}
    for number, student in enumerate(students):
        is_leaver = number < LEAVERS
        stops = random.randint(10, 24) if is_leaver else LENGTH
        ends[student] = stops + 26 if is_leaver else None
        events += [
            EventToStore(
                student,
                EventType.QUESTION_SUBMIT,
                question_id=f"q-{class_id}-{day}",
                course=class_id,
                data={"correct": True},
                occurred_at=noon(term, day),
            )
            for day in range(stops)
            if random.random() < 0.35
        ]
    school.enrol_until(class_id, term, ends)
    school.dropout.events.add_many(events)


def day_of(term: str, day: int) -> date:
    """Return a day of a term; its first day is day 0."""
    return FIRST_DAYS[term] + timedelta(days=day)


def noon(term: str, day: int) -> datetime:
    """Return noon of a day of a term."""
    return datetime.combine(day_of(term, day), time(12), tzinfo=UTC)
