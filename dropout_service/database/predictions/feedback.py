"""What people who know the students say of predictions."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.domain.enums import DropoutType, Verdict
from dropout_service.errors import FeedbackExists, PredictionIdNotFound
from dropout_service.models import DropoutPrediction, PredictionFeedback
from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent

FEEDBACK_BY_TIME = Keyset(
    "feedback", (PredictionFeedback.created_at, PredictionFeedback.id), is_descending=True
)


class Feedback(Repository):
    """Verdicts on predictions; several people may give one each."""

    def add_feedback(
        self,
        prediction_id: str,
        verdict: Verdict | str,
        *,
        note: str | None = None,
        given_by: str | None = None,
        feedback_id: str | None = None,
    ) -> PredictionFeedback:
        """Store a verdict on a prediction.

        Raises:
            NoSuchPrediction: no prediction has that id.
            FeedbackExists: the feedback's id is stored with other content.
            ValueError: there is no such verdict.

        """
        sent = {"prediction_id": prediction_id, "verdict": Verdict(verdict), "note": note}
        row = PredictionFeedback(
            **sent,
            id=feedback_id or new_id(),
            given_by=given_by,
            created_at=utc_now(),
            digest=content_digest(sent),
        )
        with self.database.unit_of_work() as session:
            # Locked, so that the student is not erased between here and the commit.
            _require(session, prediction_id, lock=True)
            return insert_idempotent(session, row, FeedbackExists)

    def get_feedback(
        self, prediction_id: str, *, after: str | None = None, limit: int = 100
    ) -> Page[PredictionFeedback]:
        """Return the verdicts on a prediction, the latest first.

        Raises:
            NoSuchPrediction: no prediction has that id.
            MalformedCursor: the cursor is not one of this list.

        """
        own = PredictionFeedback.prediction_id == prediction_id
        with self.database.reading() as session:
            _require(session, prediction_id)
            query = select(PredictionFeedback).where(own)
            return FEEDBACK_BY_TIME.page(session, query, after=after, limit=limit)

    def count_feedback(self) -> dict[DropoutType, dict[Verdict, int]]:
        """Return how many verdicts of each kind there are, by the predicted type; zeros too."""
        kind, verdict = DropoutPrediction.dropout_type, PredictionFeedback.verdict
        query = (
            select(kind, verdict, func.count())
            .join(DropoutPrediction, DropoutPrediction.id == PredictionFeedback.prediction_id)
            .group_by(kind, verdict)
        )
        counts = {kind: dict.fromkeys(Verdict, 0) for kind in DropoutType}
        with self.database.reading() as session:
            for found, said, count in session.execute(query):
                counts[found][said] = count
        return counts


def _require(session: Session, prediction_id: str, *, lock: bool = False) -> None:
    query = select(DropoutPrediction.id).where(DropoutPrediction.id == prediction_id)
    if session.scalar(query.with_for_update(key_share=True) if lock else query) is None:
        raise PredictionIdNotFound(prediction_id)
