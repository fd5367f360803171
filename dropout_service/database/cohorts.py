"""Predictions of many students at once, in batches of bounded size."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.orm import Session

from dropout_service.database.activity import activity_of
from dropout_service.database.part import Part
from dropout_service.database.predictions import prediction_row, store_predictions
from dropout_service.database.presence import admit, deleted_among
from dropout_service.domain.activity import Activity
from dropout_service.domain.features import Features, features_of
from dropout_service.domain.risk import RULES_VERSION, assess, missing_for_assessment
from dropout_service.errors import CourseNotFound
from dropout_service.models import DailyActivity, DropoutPrediction, KnownStudent
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.naming import Outcome, digest_of

MOST_AT_ONCE = 1000
MOST_EXAMPLES = 3


@dataclass(frozen=True)
class CohortBatch:
    """What became of one batch, or of several together.

    last: the id after which the next batch begins, None when the cohort is through.
    not_assessable: how many; examples: some of them with what is missing.
    highest: the highest risks, the highest first.
    """

    last: str | None
    students: int = 0
    stored: int = 0
    unchanged: int = 0
    not_assessable: int = 0
    examples: tuple[tuple[str, str], ...] = ()
    highest: tuple[DropoutPrediction, ...] = ()

    def and_then(self, following: "CohortBatch", *, keep: int) -> "CohortBatch":
        """Return both batches as one, keeping that many of the highest risks."""
        return CohortBatch(
            last=following.last,
            students=self.students + following.students,
            stored=self.stored + following.stored,
            unchanged=self.unchanged + following.unchanged,
            not_assessable=self.not_assessable + following.not_assessable,
            examples=(self.examples + following.examples)[:MOST_EXAMPLES],
            highest=_highest((*self.highest, *following.highest), keep),
        )


def _highest(rows: Sequence[DropoutPrediction], keep: int) -> tuple[DropoutPrediction, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.risk_score, row.student_id))[:keep])


class Cohorts(Part):
    """Everybody, or everybody in a course."""

    def count_cohort(self, course: str | None = None) -> int:
        """Return how many students there are, or how many were ever active in a course.

        Raises:
            CourseNotFound: no event of that course was ever stored.

        """
        with self.database.reading() as session:
            students = EVERYBODY if course is None else IN_A_COURSE
            query = select(func.count()).select_from(students.subquery())
            count = session.scalar(query, {} if course is None else {"course": course})
        if course is not None and not count:
            raise CourseNotFound(course)
        return count or 0

    def predict_batch(
        self,
        as_of: datetime,
        *,
        course: str | None = None,
        after: str = "",
        limit: int = MOST_AT_ONCE,
        keep: int = 0,
    ) -> CohortBatch:
        """Predict the next students after an id, at most `limit`, in one unit of work.

        The same batch again changes nothing where the same is known; where rows came late the
        new prediction stands beside the old one. keep: how many of the highest risks to return.
        """
        with self.database.unit_of_work() as session:
            activities = _activities(session, as_of, course, after=after, limit=limit)
            if not activities:
                return CohortBatch(last=None)
            gone = deleted_among(session, activities)
            features = {
                id_: features_of(seen) for id_, seen in activities.items() if id_ not in gone
            }
            return _stored(session, features, as_of, last=max(activities), keep=keep)


def _next(students: Select[str]) -> Select[str]:
    student = students.subquery("student")
    after, limit = bindparam("after", type_=Key), bindparam("limit", type_=Integer())
    return select(student.c.id).where(student.c.id > after).order_by(student.c.id).limit(limit)


EVERYBODY = select(KnownStudent.id.label("id"))
COURSE = bindparam("course", type_=Key)
IN_A_COURSE = (
    select(DailyActivity.student_id.label("id")).where(DailyActivity.course == COURSE).distinct()
)
NEXT_OF_ALL, NEXT_IN_A_COURSE = _next(EVERYBODY), _next(IN_A_COURSE)


def _activities(
    session: Session, as_of: datetime, course: str | None, **place: object
) -> dict[str, Activity]:
    if course is None:
        return activity_of(session, NEXT_OF_ALL, as_of, **place)
    return activity_of(session, NEXT_IN_A_COURSE, as_of, course=course, **place)


def _stored(
    session: Session, features: dict[str, Features], as_of: datetime, *, last: str, keep: int
) -> CohortBatch:
    missing = {id_: why for id_, f in features.items() if (why := missing_for_assessment(f))}
    assessable = features.keys() - missing
    gone = admit(session, assessable, utc_now())
    rows = [_row(id_, features[id_], as_of) for id_ in sorted(assessable - gone)]
    outcomes = Counter(store_predictions(session, rows))
    return CohortBatch(
        last=last,
        students=len(features),
        stored=outcomes[Outcome.STORED],
        unchanged=outcomes[Outcome.REPEATED],
        not_assessable=len(missing),
        examples=tuple(missing.items())[:MOST_EXAMPLES],
        highest=_highest(rows, keep),
    )


def _row(student_id: str, features: Features, as_of: datetime) -> DropoutPrediction:
    row = prediction_row(student_id, assess(features), as_of)
    row.digest = digest_of({"features": asdict(features)})
    named = f"{student_id}\n{as_of.isoformat()}\n{RULES_VERSION}\n{row.digest.hex()}"
    row.id = "cohort-" + hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
    return row
