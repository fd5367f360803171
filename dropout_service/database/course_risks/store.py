"""Risks of the students of a course: repository that lists them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack

from sqlalchemy import Select
from sqlalchemy.orm import Session

from dropout_service.database.course_risks.draws import DrawRepository, drawn_keyset
from dropout_service.database.course_risks.history import earlier_weeks
from dropout_service.database.course_risks.query import assessed_risks_of_course
from dropout_service.domain.drawn_order import Draw
from dropout_service.models import DropoutPrediction
from shared_db.connection.database import Database
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository

COURSE_RISKS_BY_RISK = Keyset(
    "predictions", (DropoutPrediction.risk_score, DropoutPrediction.id), is_descending=True
)
COURSE_RISK_COLUMNS: Columns = {"student_id": DropoutPrediction.student_id}


@dataclass(frozen=True)
class PlacedRisk:
    """Prediction with the places of earlier weeks, the latest first."""

    prediction: DropoutPrediction
    history: Sequence[Any] = field(default=())


@dataclass(frozen=True)
class PlacedRisks:
    """Page of predictions with their places. draw: of their order; None: by risk."""

    page: Page[PlacedRisk]
    draw: Draw | None = None


class CourseRiskRepository(Repository):
    """Latest predictions of the students of a course."""

    def __init__(self, database: Database, draws: DrawRepository) -> None:
        super().__init__(database)
        self._draws = draws

    def search(self, course: str, **options: Unpack[PageOptions]) -> Page[DropoutPrediction]:
        """Return the latest predictions of the course's enrolments, the highest risk first.

        Of a class of the roster, return those of the students enrolled in it now: of the class, or
        the overall ones if the class has none of its own. If the course is known from events only,
        return the overall ones of its active students.

        Raises:
            CourseNotFound: the course is not stored, is no class, and has no events.
            ServiceError: as `Repository.page`.

        """
        return self._search(course, COURSE_RISKS_BY_RISK, options)

    def search_placed(
        self, course: str, *, history: int = 0, **options: Unpack[PageOptions]
    ) -> PlacedRisks:
        """Return the same predictions as `search`, with the places of so many earlier weeks.

        If the order of the week is drawn, they come in the drawn order.

        Raises:
            ServiceError: as `search`.

        """
        draw = self._draws.present(course)
        keyset = COURSE_RISKS_BY_RISK if draw is None else drawn_keyset(draw)
        page = self._search(course, keyset, options)
        if not history:
            return PlacedRisks(Page([PlacedRisk(row) for row in page], page.next), draw)
        earlier = self.read(lambda session: earlier_weeks(session, page.items, history))
        items = [PlacedRisk(row, earlier.get(row.id, ())) for row in page]
        return PlacedRisks(Page(items, page.next), draw)

    def _search(self, course: str, keyset: Keyset, options: PageOptions) -> Page[DropoutPrediction]:
        def query(session: Session) -> Select[DropoutPrediction]:
            return assessed_risks_of_course(session, course, is_memory=self.use_fallback)

        return self.page(keyset, query, COURSE_RISK_COLUMNS, **options)
