"""School in the reader's sight: courses by what is new, their activity, tutoring pairs, actions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median
from typing import Any

from veritas_web.domain.charts import Bar, Box, bars, top_of

# Smaller groups have no figures: they would be about persons.
SMALLEST_GROUP = 5
_TO_SUNDAY = timedelta(days=6)
# Weeks that are needed for a usual week, and differences in shares that are shown.
_USUAL_WEEKS = 3
_SOME, _MUCH = 0.1, 0.2


class Shade(StrEnum):
    """Activity of a week beside the usual one of the course."""

    MUCH_LESS = "much-less"
    LESS = "less"
    USUAL = "usual"
    MORE = "more"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CourseShare:
    """Course with the students near its top; share: of new ones, None without a comparison."""

    course: str
    ranked: int
    first: int
    new: int
    share: float | None


@dataclass(frozen=True)
class Cell:
    """Week of a course. share: of its students, who were active; None: not known."""

    week: date
    active: int | None
    share: float | None
    shade: Shade


@dataclass(frozen=True)
class HeatRow:
    """Course with its weeks; usual: the median share of the weeks before the last one."""

    course: str
    students: int
    usual: float | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class HeatMap:
    """Courses by weeks that are over. less: courses below their usual in the last week."""

    weeks: tuple[date, ...]
    rows: tuple[HeatRow, ...]
    less: int
    compared: int


@dataclass(frozen=True)
class Pair:
    """Student who can explain a concept to another one; names are None if they are not known."""

    subject: str
    concept: str
    tutor_id: str
    tutor: str | None
    learner_id: str
    learner: str | None


@dataclass(frozen=True)
class ActionWeeks:
    """Actions by week; bars of those done and of those planned, side by side."""

    items: tuple[Mapping[str, Any], ...]
    done: tuple[Bar, ...]
    planned: tuple[Bar, ...]
    top: float


def course_shares(courses: Iterable[Mapping[str, Any]]) -> list[CourseShare]:
    """Return the courses by the share of new students among the first, the largest one first.

    Places are not compared across courses. Courses without a comparison come last; those of fewer
    than 5 students are left out.
    """
    found = []
    for one in courses:
        ranked = one["ranked"] or 0
        if ranked < SMALLEST_GROUP:
            continue
        new, first = len(one["entered"]), len(one["entered"]) + len(one["stayed"])
        is_known = one["compared_as_of"] is not None and one["is_comparable"] and first > 0
        found.append(
            CourseShare(one["course"], ranked, first, new, new / first if is_known else None)
        )
    return sorted(found, key=lambda one: (one.share is None, -(one.share or 0), one.course))


def heat_map(activity: Mapping[str, Any]) -> HeatMap:
    """Return the shares of active students by week: the present week would look like a fall."""
    until = date.fromisoformat(activity["until"])
    mondays = [date.fromisoformat(monday) for monday in activity["weeks"]]
    weeks = [monday for monday in mondays if monday + _TO_SUNDAY <= until]
    rows = [
        _heat_row(one, weeks)
        for one in activity["items"]
        if one["students"] and any(count is not None for count in one["active"][: len(weeks)])
    ]
    last = [row.cells[-1].shade for row in rows if row.cells]
    return HeatMap(
        tuple(weeks),
        tuple(rows),
        less=sum(shade in {Shade.LESS, Shade.MUCH_LESS} for shade in last),
        compared=sum(shade is not Shade.UNKNOWN for shade in last),
    )


def pair_ids(cohort: Mapping[str, Any], most: int) -> list[str]:
    """Return the students of the first tutoring pairs, each once."""
    pairs = cohort["tutoring_pairs"][:most]
    return list(dict.fromkeys(id_ for one in pairs for id_ in (one["tutor_id"], one["learner_id"])))


def pairs_of(cohort: Mapping[str, Any], names: Mapping[str, str], most: int) -> list[Pair]:
    """Return the first tutoring pairs, without their marks."""
    return [
        Pair(
            one["subject"],
            one["concept"],
            one["tutor_id"],
            names.get(one["tutor_id"]),
            one["learner_id"],
            names.get(one["learner_id"]),
        )
        for one in cohort["tutoring_pairs"][:most]
    ]


def action_weeks(items: Sequence[Mapping[str, Any]], box: Box) -> ActionWeeks:
    """Return the weeks with their bars; each week has room for two."""
    done, planned = ([one[name] for one in items] for name in ("done", "planned"))
    top = top_of(done, planned)
    both = [value for week in zip(done, planned, strict=True) for value in week]
    drawn = bars(both, top, box, gap=0.3)
    return ActionWeeks(tuple(items), tuple(drawn[::2]), tuple(drawn[1::2]), top)


def _heat_row(item: Mapping[str, Any], weeks: Sequence[date]) -> HeatRow:
    students, active = item["students"], item["active"][: len(weeks)]
    shares = [None if count is None else count / students for count in active]
    known = [share for share in shares[:-1] if share is not None]
    usual = median(known) if len(known) >= _USUAL_WEEKS else None
    cells = [
        Cell(week, count, share, _shade(share, usual))
        for week, count, share in zip(weeks, active, shares, strict=True)
    ]
    return HeatRow(item["course"], students, usual, tuple(cells))


def _shade(share: float | None, usual: float | None) -> Shade:
    if share is None or usual is None:
        return Shade.UNKNOWN
    # Rounded, so that a difference of exactly a tenth counts as one.
    difference = round(share - usual, 6)
    if difference <= -_MUCH:
        return Shade.MUCH_LESS
    if difference <= -_SOME:
        return Shade.LESS
    return Shade.MORE if difference >= _SOME else Shade.USUAL
