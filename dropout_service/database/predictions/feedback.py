"""Feedback on predictions: repository."""

from collections.abc import Sequence
from typing import Any, Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.enums import DropoutType, Verdict
from dropout_service.errors import FeedbackExists, PredictionIdNotFound
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


class FeedbackRepository(Repository):
    """Verdicts of staff on predictions; a prediction may have several."""

    def add(
        self,
        prediction_id: str,
        verdict: Verdict | str,
        *,
        note: str | None = None,
        given_by: str | None = None,
        feedback_id: str | None = None,
    ) -> PredictionFeedback:
        """Insert a verdict on a prediction.

        Raises:
            PredictionIdNotFound: no prediction has that id.
            FeedbackExists: the feedback's id is stored with other content.
            ValueError: there is no such verdict.

        """
        sent = {"prediction_id": prediction_id, "verdict": Verdict(verdict), "note": note}
        values = {
            **sent,
            "id": feedback_id or new_id(),
            "given_by": given_by,
            "created_at": utc_now(),
            "digest": content_digest(sent),
        }

        def insert(session: Session) -> PredictionFeedback:
            # Locked, so that the student cannot be erased before the commit.
            student_id = _student_of(session, prediction_id, lock=True)
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

    def count(self) -> dict[DropoutType, dict[Verdict, int]]:
        """Return the number of each verdict by predicted type of dropout, with zeros.

        Raises:
            GroupTooSmall: a person with limited sight sees fewer than 5 students.

        """
        type_, verdict = DropoutPrediction.dropout_type, PredictionFeedback.verdict
        query = (
            select(type_, verdict, func.count())
            .join(DropoutPrediction, DropoutPrediction.id == PredictionFeedback.prediction_id)
            .group_by(type_, verdict)
        )
        counts = {type_: dict.fromkeys(Verdict, 0) for type_ in DropoutType}

        def rows(session: Session) -> Sequence[Any]:
            require_group(session, KnownStudent.id)
            shown = query.where(is_assessed(session, DropoutPrediction.student_id))
            return session.execute(shown).all()

        for found_type, found_verdict, count in self.read(rows):
            counts[found_type][found_verdict] = count
        return counts


def _student_of(session: Session, prediction_id: str, *, lock: bool = False) -> str:
    query = select(DropoutPrediction.student_id).where(DropoutPrediction.id == prediction_id)
    student_id = session.scalar(query.with_for_update(key_share=True) if lock else query)
    if student_id is None:
        raise PredictionIdNotFound(prediction_id)
    return student_id
