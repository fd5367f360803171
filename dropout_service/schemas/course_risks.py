"""Risks of the students of a course, in brief, and their changes."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from dropout_service.domain.drawn_order import Draw, ListOrder
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.signs import signs_of
from dropout_service.schemas.predictions import AdviceOut, SentenceOut
from shared_db.queries.pagination import Page
from shared_web.query.pagination import PageOut
from shared_web.requests.fields import Out

MAX_REASONS = 2


class View(StrEnum):
    """Extent of each item."""

    FULL = "full"
    BRIEF = "brief"


class ReasonOut(Out):
    """Sign that raises the risk; `sentence` is null in predictions of earlier releases."""

    name: str
    part: DropoutType
    text: str
    is_sign: bool
    contribution: float
    sentence: SentenceOut | None = None


class EarlierPlaceOut(Out):
    """Place in the course by the last prediction of an earlier week; null: without places."""

    as_of: datetime
    course_rank: int | None
    course_ranked: int | None
    version: str


class BriefRiskOut(Out):
    """Prediction with its two largest signs and its first advice.

    `history`: the last prediction of each earlier ISO week, the latest first.
    """

    id: str
    student_id: str
    course: str | None
    is_class: bool
    course_rank: int | None
    course_ranked: int | None
    as_of: datetime
    version: str
    reasons: list[ReasonOut]
    advice: AdviceOut | None
    history: list[EarlierPlaceOut]

    @classmethod
    def of(cls, row: Any, history: Iterable[Any]) -> Self:
        """Return the brief form of a prediction."""
        signs = signs_of(row.primary_indicators, row.secondary_indicators)[:MAX_REASONS]
        return cls(
            id=row.id,
            student_id=row.student_id,
            course=row.course,
            is_class=row.is_class,
            course_rank=row.course_rank,
            course_ranked=row.course_ranked,
            as_of=row.as_of,
            version=row.version,
            reasons=[ReasonOut.model_validate({**sign, "is_sign": True}) for sign in signs],
            advice=AdviceOut.of(row.recommendations[0]) if row.recommendations else None,
            history=[EarlierPlaceOut.model_validate(one) for one in history],
        )


class BandsOut(Out):
    """Bands of places in a drawn list, from place 1 on; below `last_place` students are by place.

    A band of 5 places has the places 1 to 5, the next one 6 to 10.
    """

    size: int
    last_place: int


class BriefRisksOut(PageOut[BriefRiskOut]):
    """Page of brief predictions; `bands` is null unless their order is drawn."""

    order: ListOrder
    bands: BandsOut | None

    @classmethod
    def listed(cls, page: Page[Any], draw: Draw | None) -> Self:
        """Return the page in its order."""
        return cls(
            items=[BriefRiskOut.of(one.prediction, one.history) for one in page],
            next=page.next,
            order=ListOrder.PLACE if draw is None else ListOrder.DRAWN,
            bands=None if draw is None else BandsOut.model_validate(draw.bands),
        )


class PlaceOut(Out):
    """Student near the top now or before; no place: without a ranked prediction at that instant.

    `reasons`: the two largest signs of the present prediction, if they were asked for.
    """

    student_id: str
    prediction_id: str
    place: int | None
    place_before: int | None
    new_reasons: list[str]
    reasons: list[ReasonOut] | None = None

    @classmethod
    def with_reasons(cls, place: Any) -> Self:
        """Return the place with its two largest signs."""
        found = cls.model_validate(place)
        signs = [{**sign, "is_sign": True} for sign in place.signs[:MAX_REASONS]]
        return found.model_copy(
            update={"reasons": [ReasonOut.model_validate(sign) for sign in signs]}
        )


class CourseChangesOut(Out):
    """Students that entered, stayed in or left the first places of a course.

    `compared_as_of` is null without earlier predictions: then nothing is known to be new.
    `is_comparable` is false if another version predicted before; then no reason counts as new.
    `bands` is null unless the order is drawn; then the lists are in the drawn order.
    """

    course: str
    is_class: bool
    ranked: int | None
    as_of: datetime | None
    compared_as_of: datetime | None
    version: str | None
    compared_version: str | None
    is_comparable: bool
    entered: list[PlaceOut]
    stayed: list[PlaceOut]
    left: list[PlaceOut]
    order: ListOrder
    bands: BandsOut | None

    @classmethod
    def of(cls, changes: Any, *, with_reasons: bool) -> Self:
        """Return the changes of a course, on wish with the reasons of each student."""
        found = cls.model_validate(changes)
        if not with_reasons:
            return found
        groups = ("entered", "stayed", "left")
        return found.model_copy(
            update={
                group: [PlaceOut.with_reasons(one) for one in getattr(changes, group)]
                for group in groups
            }
        )
