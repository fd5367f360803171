"""Feature sets: repository, and the computing of a student's features at an instant."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.enrolment_periods import observable_activity, periods_of
from dropout_service.database.features.activity_query import activity_of
from dropout_service.database.features.class_features import features_in_class
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.students.locking import (
    ensure_and_lock_one,
    require_not_erased,
    require_not_merged,
)
from dropout_service.database.students.restrictions import (
    require_assessed_student,
    require_unrestricted,
)
from dropout_service.domain.rules.features import FEATURES_VERSION, Features, features_of
from dropout_service.errors import (
    FeatureSetExists,
    FeatureSetNotFound,
    StudentMerged,
    StudentNotFound,
)
from dropout_service.models import FeatureSet, KnownStudent
from shared_db.clock import utc_now
from shared_db.columns import Key, Row
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import (
    content_digest,
    find_replay,
    insert_idempotent,
)

FEATURES_BY_TIME = Keyset("features", (FeatureSet.as_of, FeatureSet.id), is_descending=True)
ONE_STUDENT = select(bindparam("student_id", type_=Key).label("id"))
# Version of feature sets that were computed elsewhere.
GIVEN = "given"


class FeatureRepository(Repository):
    """Feature sets of students, each as of an instant."""

    def compute(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        course: str | None = None,
        feature_set_id: str | None = None,
    ) -> FeatureSet:
        """Compute and insert the features from the rows up to `as_of`, by default now.

        course: a class of the roster, whose events and marks alone count, in the time of the
        student's enrolments; None: all events and marks.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.
            CourseNotFound: there is no such class.
            NotAClass: the course was imported.
            NotAssessable: the class does not run at the instant, or the student is not in it.
            FeatureSetExists: the id is stored for another student, course or instant.

        """
        instant = as_of or utc_now()
        # Without a class the content is that of earlier releases, whose requests are repeated.
        sent = {"student_id": student_id, "as_of": as_of} | ({"course": course} if course else {})
        digest = content_digest(sent)
        pending = pending_values(pending_of(self.spool, [student_id]), student_id)

        def compute(session: Session) -> FeatureSet:
            require_unrestricted(session, student_id)
            # A repeated request is answered as before, although the student may have left since.
            replay = find_replay(session, FeatureSet, feature_set_id, digest, FeatureSetExists)
            if replay is not None:
                return replay
            computed = computed_values(session, student_id, instant, course, feature_set_id)
            stored = _insert(session, computed | pending | {"digest": digest})
            if stored.student_id != student_id and not stored.is_replay:
                raise StudentMerged(student_id, stored.student_id)  # since the rows were read
            return stored

        return self.write(compute, of=[student_id])

    def add(
        self,
        feature_set_id: str | None,
        student_id: str,
        features: dict[str, Any],
        *,
        as_of: datetime | None = None,
        version: str = GIVEN,
    ) -> FeatureSet:
        """Insert features that were computed elsewhere, and their student if new.

        Raises:
            FeatureSetExists: the id is stored with other content.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.

        """
        sent = {"student_id": student_id, "as_of": as_of, "features": features, "version": version}
        instant = as_of or utc_now()
        values = _values(student_id, feature_set_id, instant, version, features, course=None)
        values["digest"] = content_digest(sent)
        return self.write(lambda session: _insert(session, values), of=[student_id])

    def get_latest(self, student_id: str, *, course: str | None = None) -> FeatureSet:
        """Return the feature set with the latest `as_of`: of a class, by default of all rows.

        Raises:
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.
            FeatureSetNotFound: the student has no feature set.

        """
        return self.read(lambda session: _latest(session, student_id, course))

    def search(
        self, student_id: str, *, course: str | None = None, **options: Unpack[PageOptions]
    ) -> Page[FeatureSet]:
        """Return the student's feature sets, the latest `as_of` first, of one class if given.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.
            ServiceError: as `Repository.page`.

        """
        query = select(FeatureSet).where(FeatureSet.student_id == student_id)
        if course is not None:
            query = query.where(FeatureSet.course == course)
        return self.page(
            FEATURES_BY_TIME,
            query,
            require=lambda session: require_assessed_student(session, student_id),
            **options,
        )


def features_at(session: Session, student_id: str, as_of: datetime) -> Features:
    """Return the student's features from the rows up to `as_of`.

    Raises:
        StudentNotFound: no row of that student is stored, here or in staffstuddash.
        StudentErased: all data of the student were erased.

    """
    require_known(session, student_id)
    periods = periods_of(session, [student_id])
    known = activity_of(session, ONE_STUDENT, as_of, student_id=student_id)
    return features_of(observable_activity(session, periods, known, as_of)[student_id])


def require_known(session: Session, student_id: str) -> None:
    """Reject a student without data.

    Raises:
        StudentNotFound: no row of that student is stored, here or in staffstuddash.
        StudentErased: all data of the student were erased.
        StudentMerged: the student was merged into another id.

    """
    require_not_erased(session, student_id)
    if session.get(KnownStudent, student_id) is None:
        require_not_merged(session, student_id)
        raise StudentNotFound(student_id)


def computed_values(
    session: Session,
    student_id: str,
    as_of: datetime,
    course: str | None = None,
    feature_set_id: str | None = None,
) -> Row:
    """Return the row, without digest, of the student's features from the rows up to `as_of`.

    course: a class, whose events and marks alone count.

    Raises:
        StudentNotFound: no row of that student is stored, here or in staffstuddash.
        StudentErased: all data of the student were erased.
        CourseNotFound: there is no such class.
        NotAClass: the course was imported.
        NotAssessable: the class does not run at the instant, or the student is not in it.

    """
    if course is None:
        features = features_at(session, student_id, as_of)
    else:
        require_known(session, student_id)
        features = features_in_class(session, student_id, course, as_of)
    return _values(
        student_id, feature_set_id, as_of, FEATURES_VERSION, asdict(features), course=course
    )


def _values(
    student_id: str,
    feature_set_id: str | None,
    as_of: datetime,
    version: str,
    features: dict[str, Any],
    *,
    course: str | None,
) -> Row:
    return {
        "id": feature_set_id or new_id(),
        "student_id": student_id,
        "course": course,
        "as_of": as_of,
        "version": version,
        "features": features,
        "created_at": utc_now(),
    }


def _insert(session: Session, values: Row) -> FeatureSet:
    owner = ensure_and_lock_one(session, values["student_id"], values["created_at"])
    require_unrestricted(session, owner)
    row = {**values, "student_id": owner}
    return insert_idempotent(session, FeatureSet, row, FeatureSetExists)


def _latest(session: Session, student_id: str, course: str | None) -> FeatureSet:
    require_not_erased(session, student_id)
    require_unrestricted(session, student_id)
    is_of_course = FeatureSet.course.is_(None) if course is None else FeatureSet.course == course
    is_theirs = (FeatureSet.student_id == student_id) & is_of_course
    query = select(FeatureSet).where(is_theirs, FeatureSet.recomputed_at.is_(None))
    latest = query.order_by(FeatureSet.as_of.desc(), FeatureSet.id.desc()).limit(1)
    found = session.scalar(latest)
    if found is None:
        require_not_merged(session, student_id)
        raise FeatureSetNotFound(student_id, course)
    return found
