"""Feedback on predictions: repository."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enums import DropoutType, FeedbackReason, Verdict
from dropout_service.errors import PredictionIdNotFound
from dropout_service.feedback_errors import (
    FeedbackExists,
    FeedbackNotFound,
    FeedbackOfAnother,
    UnknownSigns,
)
from dropout_service.models import DropoutPrediction, KnownStudent, PredictionFeedback
from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.queries.small_groups import require_group
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

FEEDBACK_BY_TIME = Keyset(
    "feedback", (PredictionFeedback.created_at, PredictionFeedback.id), is_descending=True
)


Verdicts = dict[Verdict, int]


def _no_verdicts() -> Verdicts:
    return dict.fromkeys(Verdict, 0)


@dataclass(frozen=True)
class FeedbackCounts:
    """Number of each verdict: by predicted type with zeros, by sign, and by version."""

    by_type: dict[DropoutType, Verdicts] = field(
        default_factory=lambda: {type_: _no_verdicts() for type_ in DropoutType}
    )
    by_sign: dict[str, Verdicts] = field(default_factory=dict)
    by_version: dict[str, Verdicts] = field(default_factory=dict)


class FeedbackRepository(Repository):
    """Verdicts of staff on predictions; a prediction may have several."""

    def add(
        self,
        prediction_id: str,
        verdict: Verdict | str,
        *,
        note: str | None = None,
        reason: FeedbackReason | str | None = None,
        signs: Sequence[str] | None = None,
        given_by: str | None = None,
        feedback_id: str | None = None,
    ) -> PredictionFeedback:
        """Insert a verdict on a prediction.

        signs: names of the prediction's indicators that it is about; None: of all.

        Raises:
            PredictionIdNotFound: no prediction has that id.
            UnknownSigns: the prediction has no such indicators.
            FeedbackExists: the feedback's id is stored with other content.
            ValueError: there is no such verdict.

        """
        # An absent reason and absent signs are not part of the digest, as in earlier releases.
        sent = {
            "prediction_id": prediction_id,
            "verdict": Verdict(verdict),
            "note": note,
            "reason": None if reason is None else FeedbackReason(reason),
            "signs": None if signs is None else list(signs),
        }
        values = {
            **sent,
            "id": feedback_id or new_id(),
            "given_by": given_by,
            "created_at": utc_now(),
            "withdrawn_at": None,
            "digest": content_digest(sent),
        }

        def insert(session: Session) -> PredictionFeedback:
            # Locked, so that the student cannot be erased before the commit.
            student_id = _student_of(session, prediction_id, lock=True)
            if signs:
                _require_signs(session, prediction_id, signs)
            row = insert_idempotent(session, PredictionFeedback, values, FeedbackExists)
            row.student_id = student_id
            return row

        query = select(DropoutPrediction.student_id).where(DropoutPrediction.id == prediction_id)
        students = self.students_of(query, PredictionIdNotFound(prediction_id))
        return self.write(insert, of=students)

    def search(
        self, prediction_id: str, **options: Unpack[PageOptions]
    ) -> Page[PredictionFeedback]:
        """Return the verdicts on a prediction, the latest first.

        Raises:
            PredictionIdNotFound: no prediction has that id.
            ServiceError: as `Repository.page`.

        """
        query = select(PredictionFeedback).where(PredictionFeedback.prediction_id == prediction_id)
        students: list[str] = []
        page = self.page(
            FEEDBACK_BY_TIME,
            query,
            require=lambda session: students.append(_student_of(session, prediction_id)),
            **options,
        )
        for row in page:
            row.student_id = students[-1]
        return page

    def withdraw(
        self, prediction_id: str, feedback_id: str, *, by: str, sees_all: bool
    ) -> PredictionFeedback:
        """Withdraw a verdict, which stays listed and does not count any longer.

        by: name of the caller. sees_all: True if the caller sees all students.

        Raises:
            PredictionIdNotFound: no prediction has that id.
            FeedbackNotFound: the prediction has no feedback with that id.
            FeedbackOfAnother: another caller gave it, and this one does not see all students.

        """

        def withdraw(session: Session) -> PredictionFeedback:
            student_id = _student_of(session, prediction_id, lock=True)
            row = session.get(PredictionFeedback, feedback_id, with_for_update=True)
            if row is None or row.prediction_id != prediction_id:
                raise FeedbackNotFound(feedback_id)
            if not sees_all and row.given_by != by:
                raise FeedbackOfAnother(feedback_id)
            is_replay = row.withdrawn_at is not None
            if not is_replay:
                row.withdrawn_at = utc_now()
                session.flush()
            row.student_id, row.is_replay = student_id, is_replay
            return row

        query = select(DropoutPrediction.student_id).where(DropoutPrediction.id == prediction_id)
        students = self.students_of(query, PredictionIdNotFound(prediction_id))
        return self.write(withdraw, of=students)

    def count(self) -> FeedbackCounts:
        """Return the number of each verdict that was not withdrawn.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        made, given = DropoutPrediction, PredictionFeedback
        query = (
            select(made.dropout_type, made.version, given.verdict, given.signs)
            .join(made, made.id == given.prediction_id)
            .where(given.withdrawn_at.is_(None))
        )

        def rows(session: Session) -> Sequence[Any]:
            require_group(session, KnownStudent.id)
            return session.execute(query.where(is_assessed(session, made.student_id))).all()

        counts = FeedbackCounts()
        for type_, version, verdict, signs in self.read(rows):
            counts.by_type[type_][verdict] += 1
            counts.by_version.setdefault(version, _no_verdicts())[verdict] += 1
            for sign in signs or ():
                counts.by_sign.setdefault(sign, _no_verdicts())[verdict] += 1
        return counts


def _require_signs(session: Session, prediction_id: str, signs: Sequence[str]) -> None:
    row = DropoutPrediction
    query = select(row.primary_indicators, row.secondary_indicators).where(row.id == prediction_id)
    primary, secondary = session.execute(query).one()
    known = [indicator["name"] for indicator in (*primary, *secondary)]
    if unknown := [name for name in signs if name not in known]:
        raise UnknownSigns(unknown, known)


def _student_of(session: Session, prediction_id: str, *, lock: bool = False) -> str:
    query = select(DropoutPrediction.student_id).where(DropoutPrediction.id == prediction_id)
    student_id = session.scalar(query.with_for_update(key_share=True) if lock else query)
    if student_id is None:
        raise PredictionIdNotFound(prediction_id)
    return student_id
