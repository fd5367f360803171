"""Changes near the top of a course between two instants, by place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from dropout_service.domain.drawn_order import Bands, Draw, ListOrder, listed_first
from dropout_service.domain.signs import signs_of


class Placed(NamedTuple):
    """Prediction of a student with the place in the course; None: not among the ranked ones."""

    student_id: str
    prediction_id: str
    as_of: datetime
    version: str
    place: int | None
    ranked: int | None
    risk_score: float
    primary: Sequence[Mapping[str, Any]] = ()
    secondary: Sequence[Mapping[str, Any]] = ()

    @property
    def signs(self) -> list[Mapping[str, Any]]:
        """Signs, the largest contribution first."""
        return signs_of(self.primary, self.secondary)

    @property
    def sign_names(self) -> list[str]:
        """Names of the signs, the largest contribution first."""
        return [sign["name"] for sign in self.signs]


@dataclass(frozen=True)
class Place:
    """Student near the top at one of the instants; no place: not ranked at that instant.

    signs: of the present prediction, the largest contribution first.
    """

    student_id: str
    prediction_id: str
    place: int | None
    place_before: int | None
    new_reasons: Sequence[str]
    signs: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class CourseChanges:
    """Students near the top of a course, by their place now; former ones by that before.

    as_of, version: of the latest prediction; None: there is none. compared_as_of: of the earlier
    predictions; None: there are none, so nothing is known to be new. is_comparable: False if
    another version predicted then. bands: of a drawn order.
    """

    course: str
    is_class: bool
    ranked: int | None = None
    as_of: datetime | None = None
    compared_as_of: datetime | None = None
    version: str | None = None
    compared_version: str | None = None
    is_comparable: bool = True
    entered: Sequence[Place] = field(default=())
    stayed: Sequence[Place] = field(default=())
    left: Sequence[Place] = field(default=())
    order: ListOrder = ListOrder.PLACE
    bands: Bands | None = None


def with_places(rows: Sequence[Placed]) -> list[Placed]:
    """Return the rows of a course with places: the stored ones, or by risk if none is stored."""
    if any(row.place is not None for row in rows):
        return list(rows)
    places: dict[float, int] = {}
    for at, risk in enumerate(sorted((row.risk_score for row in rows), reverse=True)):
        places.setdefault(risk, at + 1)
    return [row._replace(place=places[row.risk_score], ranked=len(rows)) for row in rows]


@dataclass(frozen=True)
class Draws:
    """Draws of the present places and of the earlier ones; None: they are listed by place."""

    now: Draw | None = None
    before: Draw | None = None


def changes_of(
    course: str,
    present: Sequence[Placed],
    earlier: Sequence[Placed],
    top: int,
    *,
    is_class: bool,
    draws: Draws = Draws(),
) -> CourseChanges:
    """Return the changes among the first `top` places.

    present, earlier: at most one row of each student, with places; rows of students
    never near the top may be left out, except for the latest. With a draw, the bands that begin
    among the first `top` places are complete.
    """
    if not present:
        return CourseChanges(course, is_class)
    newest = max(present, key=lambda row: row.as_of)
    oldest = max(earlier, key=lambda row: row.as_of, default=None)
    now = {row.student_id: row for row in present}
    before = {row.student_id: row for row in earlier}
    is_comparable = oldest is None or oldest.version == newest.version

    def place(student_id: str) -> Place:
        row, old = now.get(student_id), before.get(student_id)
        known = set(old.sign_names) if old else set()
        is_new = oldest is not None and is_comparable and row is not None
        return Place(
            student_id,
            (row or before[student_id]).prediction_id,
            row.place if row else None,
            old.place if old else None,
            [name for name in row.sign_names if name not in known] if row and is_new else [],
            row.signs if row else (),
        )

    at_top, was_top = _first(present, top, draws.now), _first(earlier, top, draws.before)
    entered = [] if oldest is None else [id_ for id_ in at_top if id_ not in set(was_top)]
    return CourseChanges(
        course=course,
        is_class=is_class,
        ranked=newest.ranked,
        as_of=newest.as_of,
        compared_as_of=oldest.as_of if oldest else None,
        version=newest.version,
        compared_version=oldest.version if oldest else None,
        is_comparable=is_comparable,
        entered=[place(id_) for id_ in entered],
        stayed=[place(id_) for id_ in at_top if id_ not in set(entered)],
        left=[place(id_) for id_ in was_top if id_ not in set(at_top)],
        order=ListOrder.DRAWN if draws.now else ListOrder.PLACE,
        bands=draws.now.bands if draws.now else None,
    )


def _first(rows: Sequence[Placed], top: int, draw: Draw | None) -> list[str]:
    placed = ((row.student_id, row.place) for row in rows if row.place is not None)
    return listed_first(placed, top, draw)
