"""Rows of the class list: students by the change of their place, and by shared reasons."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from veritas_web.domain.bands import Band, band_of
from veritas_web.domain.reasons import Reason

# A reason is named as shared from so many students on.
_SHARED_BY = 3
_TO_SUNDAY = timedelta(days=6)
SHOWN_REASONS = 2


class Change(StrEnum):
    """Change of a student's place within a week."""

    NEW = "new"
    STILL = "still"
    IMPROVED = "improved"
    OTHER = "other"


@dataclass(frozen=True)
class Row:
    """Student of the list; None is not known.

    place: among all students of the course, 1 is the first to talk with. place_before: a week
    earlier. band: of places that count as equal, where the order is drawn. reasons: the two main
    ones.
    """

    student_id: str
    change: Change
    name: str | None = None
    place: int | None = None
    place_before: int | None = None
    band: Band | None = None
    band_before: Band | None = None
    reasons: tuple[Reason, ...] = ()
    has_new_reason: bool = False
    mean_percentage: float | None = None
    due: int | None = None
    handed_in: int | None = None
    active_days: tuple[int | None, ...] = ()
    last_action: Mapping[str, Any] | None = None

    @property
    def main_reason(self) -> str | None:
        """Name of the main reason, by which students are grouped."""
        return self.reasons[0].name if self.reasons else None


@dataclass(frozen=True)
class Shared:
    """Reason that several students of the list share; `count` of them."""

    name: str
    count: int


def rows_of(changes: Mapping[str, Any]) -> list[Row]:
    """Return the rows of an answer about changes: new ones, those still there, improved ones."""
    groups = (
        (Change.NEW, changes["entered"]),
        (Change.STILL, changes["stayed"]),
        (Change.IMPROVED, changes["left"]),
    )
    bands, ranked = changes["bands"], changes["ranked"]
    return [
        Row(
            place["student_id"],
            change,
            place=place.get("place"),
            place_before=place.get("place_before"),
            band=band_of(place.get("place"), bands, ranked),
            band_before=band_of(place.get("place_before"), bands, ranked),
            has_new_reason=bool(place.get("new_reasons")),
        )
        for change, places in groups
        # A drawn order is that of the answer.
        for place in (places if bands else sorted(places, key=lambda one: one.get("place") or 0))
    ]


def with_risks(
    rows: Iterable[Row],
    risks: Iterable[Mapping[str, Any]],
    bands: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Return the rows with their places and reasons from the brief list of risks.

    bands: of a drawn order.
    """
    known = {risk["student_id"]: risk for risk in risks}
    return [_with_risk(row, known.get(row.student_id), bands) for row in rows]


def with_students(rows: Iterable[Row], students: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows with names, marks and the last action from the teacher's dashboard."""
    known = {student["student_id"]: student for student in students}
    found = []
    for row in rows:
        student = known.get(row.student_id)
        if student is None:
            found.append(row)
            continue
        found.append(
            replace(
                row,
                name=student["name"],
                mean_percentage=student.get("mean_percentage"),
                last_action=student.get("last_action"),
            )
        )
    return found


def whole_weeks(activity: Mapping[str, Any]) -> int:
    """Return the number of weeks that are over: the present one would look like a fall."""
    weeks, until = activity["weeks"], date.fromisoformat(activity["until"])
    return sum(date.fromisoformat(monday) + _TO_SUNDAY <= until for monday in weeks)


def with_activity(rows: Iterable[Row], activity: Mapping[str, Any]) -> list[Row]:
    """Return the rows with pieces of work, and the active days of whole weeks."""
    known = {item["student_id"]: item for item in activity["items"]}
    count = whole_weeks(activity)
    return [
        replace(
            row,
            due=known[row.student_id]["due"],
            handed_in=known[row.student_id]["handed_in"],
            active_days=tuple(known[row.student_id]["active_days"][:count]),
        )
        if row.student_id in known
        else row
        for row in rows
    ]


def by_change(rows: Iterable[Row]) -> dict[Change, list[Row]]:
    """Return the rows of each change, in their order."""
    found: dict[Change, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.change].append(row)
    return dict(found)


def of_reason(rows: Iterable[Row], name: str | None) -> list[Row]:
    """Return the rows with that main reason; all of them without a name."""
    return [row for row in rows if name is None or row.main_reason == name]


def shared_reasons(rows: Sequence[Row]) -> list[Shared]:
    """Return the main reasons that at least three students share, the most frequent first."""
    counts = Counter(row.main_reason for row in rows if row.main_reason)
    return [Shared(name, count) for name, count in counts.most_common() if count >= _SHARED_BY]


def _with_risk(row: Row, risk: Mapping[str, Any] | None, bands: Mapping[str, Any] | None) -> Row:
    if risk is None:
        return row
    history = risk.get("history") or []
    before = row.place_before
    if before is None and row.change is Change.OTHER and history:
        before = history[0]["course_rank"]
    reasons = tuple(map(Reason.of, risk.get("reasons") or []))
    place = row.place if row.place is not None else risk.get("course_rank")
    ranked = risk.get("course_ranked")
    return replace(
        row,
        place=place,
        place_before=before,
        band=band_of(place, bands, ranked),
        band_before=band_of(before, bands, ranked),
        reasons=reasons[:SHOWN_REASONS],
    )
