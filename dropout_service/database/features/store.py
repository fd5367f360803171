"""Features of a student at an instant, computed and kept."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.enrolment_periods import observable_activity, stays_of
from dropout_service.database.features.activity_query import activity_of
from dropout_service.database.features.incomplete import note_pending
from dropout_service.database.students.locking import (
    ensure_and_lock_one,
    require_not_erased,
    require_student,
)
from dropout_service.domain.rules.features import FEATURES_VERSION, Features, features_of
from dropout_service.errors import FeatureSetExists, FeatureSetNotFound, StudentNotFound
from dropout_service.models import FeatureSet, KnownStudent
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

FEATURES_BY_TIME = Keyset("features", (FeatureSet.as_of, FeatureSet.id), is_descending=True)
ONE_STUDENT = select(bindparam("student_id", type_=Key).label("id"))
GIVEN = "given"


class FeatureSets(Repository):
    """What a student's events and marks come to, kept as it was at an instant."""

    def compute_features(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        feature_set_id: str | None = None,
    ) -> FeatureSet:
        """Compute and store the features from what was known at `as_of`, by default now.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            FeatureSetExists: the id is stored for another student or instant.

        """
        instant = as_of or utc_now()
        sent = {"student_id": student_id, "as_of": as_of}
        pending = pending_of(self.database, [student_id])
        with self.database.unit_of_work() as session:
            row = computed_row(session, student_id, instant, feature_set_id)
            note_pending(row, pending)
            return _store(session, row, sent)

    def save_feature_set(
        self,
        feature_set_id: str | None,
        student_id: str,
        features: dict[str, Any],
        *,
        as_of: datetime | None = None,
        version: str = GIVEN,
    ) -> FeatureSet:
        """Store features that were computed elsewhere, and their student when not seen before.

        Raises:
            FeatureSetExists: the id is stored with other content.
            StudentDeleted: all data of the student were erased.

        """
        sent = {"student_id": student_id, "as_of": as_of, "features": features, "version": version}
        row = _row(student_id, feature_set_id, as_of or utc_now(), version, features)
        with self.database.unit_of_work() as session:
            return _store(session, row, sent)

    def get_latest_features(self, student_id: str) -> FeatureSet:
        """Return the student's features with the latest `as_of`.

        Raises:
            StudentDeleted: all data of the student were erased.
            FeatureSetNotFound: none were stored.

        """
        is_theirs = FeatureSet.student_id == student_id
        query = select(FeatureSet).where(is_theirs, FeatureSet.recomputed_at.is_(None))
        latest = query.order_by(FeatureSet.as_of.desc(), FeatureSet.id.desc()).limit(1)
        with self.database.reading() as session:
            require_not_erased(session, student_id)
            found = session.scalar(latest)
        if found is None:
            raise FeatureSetNotFound(student_id)
        return found

    def get_student_features(
        self, student_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[FeatureSet]:
        """Return the student's feature sets, the latest `as_of` first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(FeatureSet).where(FeatureSet.student_id == student_id)
        with self.database.reading() as session:
            require_student(session, student_id)
            return FEATURES_BY_TIME.page(session, query, after=after, limit=limit)


def features_at(session: Session, student_id: str, as_of: datetime) -> Features:
    """Return the student's features from what happened by `as_of`.

    Raises:
        StudentNotFound: nothing was heard of that student, here or in staffstuddash.
        StudentDeleted: all data of the student were erased.

    """
    require_not_erased(session, student_id)
    if session.get(KnownStudent, student_id) is None:
        raise StudentNotFound(student_id)
    stays = stays_of(session, [student_id])
    known = activity_of(session, ONE_STUDENT, as_of, student_id=student_id)
    return features_of(observable_activity(session, stays, known, as_of)[student_id])


def computed_row(
    session: Session, student_id: str, as_of: datetime, feature_set_id: str | None = None
) -> FeatureSet:
    """Return the student's features from what happened by `as_of` as a row without digest.

    Raises:
        StudentNotFound: nothing was heard of that student, here or in staffstuddash.
        StudentDeleted: all data of the student were erased.

    """
    features = features_at(session, student_id, as_of)
    return _row(student_id, feature_set_id, as_of, FEATURES_VERSION, asdict(features))


def _row(
    student_id: str,
    feature_set_id: str | None,
    as_of: datetime,
    version: str,
    features: dict[str, Any],
) -> FeatureSet:
    return FeatureSet(
        id=feature_set_id or new_id(),
        student_id=student_id,
        as_of=as_of,
        version=version,
        features=features,
        created_at=utc_now(),
    )


def _store(session: Session, row: FeatureSet, sent: dict[str, Any]) -> FeatureSet:
    row.digest = content_digest(sent)
    ensure_and_lock_one(session, row.student_id, row.created_at)
    return insert_idempotent(session, row, FeatureSetExists)
