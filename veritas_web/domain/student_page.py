"""Page of one student: the present reasons, the time line, and places over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from veritas_web.domain.charts import Box, Point, band, lines, points, top_of, y_of
from veritas_web.domain.reasons import Reason

Data = Mapping[str, Any]

_WEEK = 7
_LASTS = timedelta(days=_WEEK)
_LINE = Box(width=380, height=120, left=22, top=10)
_PLACES = Box(width=380, height=100, left=30, top=10)


@dataclass(frozen=True)
class Mark:
    """Something on a day of the time line; kind: due, marked, draft or action."""

    kind: str
    x: float
    y: float
    label: str


@dataclass(frozen=True)
class TimeLine:
    """Active days a week of a student beside the course; lists of `points` of SVG.

    active: one Point for each known week that is over. as_of: x of the instant of the reasons; None
    without. last: the last known week, if possible one that is over. unfinished: the first day of
    the present week.
    """

    top: float
    active: list[Point]
    active_lines: list[str]
    median_lines: list[str]
    bands: list[str]
    marks: list[Mark]
    as_of: float | None
    weeks: list[Data]
    last: Data | None
    unfinished: str | None


@dataclass(frozen=True)
class Places:
    """Places over time, the first place on top; changed: x of each change of the model or rules."""

    runs: list[str]
    points: list[Point]
    changed: list[float]
    rows: list[Data]
    last: int


def of_course(predictions: Sequence[Data], course: str | None) -> list[Data]:
    """Return the predictions about the course of the latest one, the latest first.

    course: that of the page; None, or one without predictions, for the latest of all.
    """
    if not predictions:
        return []
    about = [one for one in predictions if one["course"] == course]
    if about:
        return about
    latest = predictions[0]
    return [one for one in predictions if one["course"] == latest["course"]]


def reasons_of(prediction: Data) -> tuple[list[Reason], list[Reason]]:
    """Return the reasons to talk, the largest first, and the other ones."""
    found = [
        Reason.of(one)
        for one in (*prediction["primary_indicators"], *prediction["secondary_indicators"])
    ]
    ordered = sorted(found, key=lambda one: -one.contribution)
    signs = [one for one in ordered if one.is_sign and one.contribution > 0]
    return signs, [one for one in ordered if one not in signs]


def share_of_largest(reason: Reason, reasons: Sequence[Reason]) -> float:
    """Return the contribution as a share of the largest one, 0 to 1."""
    largest = max((abs(one.contribution) for one in reasons), default=0.0)
    return abs(reason.contribution) / largest if largest else 0.0


def time_line(
    weeks: Sequence[Data],
    submissions: Iterable[Data],
    drafts: Iterable[Data],
    actions: Iterable[Data],
    as_of: str | None,
    today: date,
) -> TimeLine:
    """Return the time line of weeks with days that have something to mark."""
    ended = [date.fromisoformat(week["begins_on"]) + _LASTS <= today for week in weeks]

    def drawn(name: str) -> list[float | None]:
        # A week that goes on would look like a fall.
        return [week[name] if over else None for week, over in zip(weeks, ended, strict=True)]

    active, median = drawn("active_days"), drawn("course_median")
    low, high = drawn("course_low"), drawn("course_high")
    known = [week for week in weeks if week["active_days"] is not None]
    whole = [week for week, value in zip(weeks, active, strict=True) if value is not None]
    top = max(_WEEK, top_of(active, high))
    marked = [*_of_work(submissions), *_of_days("draft", drafts, "created_at", "version")]
    marked += _of_days("action", actions, "timestamp", "action")
    return TimeLine(
        top=top,
        active=points(active, top, _LINE),
        active_lines=lines(active, top, _LINE),
        median_lines=lines(median, top, _LINE),
        bands=band(low, high, top, _LINE),
        marks=[
            Mark(kind, x, _LINE.top + _LINE.height + 12, label)
            for kind, day, label in marked
            if (x := _x_of(day, weeks)) is not None
        ],
        as_of=_x_of(_day(as_of), weeks) if as_of else None,
        weeks=list(weeks),
        last=next(reversed(whole or known), None),
        unfinished=weeks[-1]["begins_on"] if weeks and not ended[-1] else None,
    )


def places(predictions: Sequence[Data]) -> Places | None:
    """Return the places of predictions, the latest first; None without two of them."""
    known = [one for one in reversed(predictions) if one["course_rank"] is not None]
    if len(known) < 2:  # noqa: PLR2004 - a line needs two
        return None
    ranks = [float(one["course_rank"]) for one in known]
    last = max(one["course_ranked"] or one["course_rank"] for one in known)
    heights = [last + 1 - rank for rank in ranks]
    found = points(heights, last, _PLACES)
    runs: list[list[str]] = [[]]
    changed = []
    for index, one in enumerate(known):
        if index and one["version"] != known[index - 1]["version"]:
            changed.append(round((found[index].x + found[index - 1].x) / 2, 1))
            runs.append([])
        runs[-1].append(f"{found[index].x},{y_of(heights[index], last, _PLACES)}")
    joined = [" ".join(run) for run in runs if len(run) > 1]
    return Places(joined, found, changed, known, last)


def active_days_after(action: Data, weeks: Sequence[Data]) -> int | None:
    """Return the active days in the first whole week after a done action; None: not known."""
    if action["state"] != "done":
        return None
    day = _day(action["done_at"])
    for week in weeks:
        if date.fromisoformat(week["begins_on"]) > day:
            known: int | None = week["active_days"]
            return known
    return None


def _of_work(submissions: Iterable[Data]) -> list[tuple[str, date, str]]:
    found = []
    for one in submissions:
        if one["due_on"]:
            found.append(("due", date.fromisoformat(one["due_on"]), one["title"]))
        if one["submitted_on"]:
            found.append(("marked", date.fromisoformat(one["submitted_on"]), one["title"]))
    return found


def _of_days(
    kind: str, rows: Iterable[Data], instant: str, label: str
) -> list[tuple[str, date, str]]:
    return [(kind, _day(row[instant]), str(row[label])) for row in rows]


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).date()


def _x_of(day: date, weeks: Sequence[Data]) -> float | None:
    """Return the place of a day on the time line; None outside of it."""
    if not weeks:
        return None
    first = date.fromisoformat(weeks[0]["begins_on"])
    share = (day - first).days / (_WEEK * len(weeks))
    if not 0 <= share < 1:
        return None
    return round(_LINE.left + share * _LINE.width, 1)
