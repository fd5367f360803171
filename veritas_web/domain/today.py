"""Page of today: steps that are due, students new near the top, and their shared signs."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from veritas_web.domain.bands import Band, band_of
from veritas_web.domain.marked import N_

# A sign is named as shared from so many students on.
_SHARED_BY = 3


# Names of kinds of rows.
KINDS: Mapping[str, str] = {
    "events": N_("Learning events"),
    "marks": N_("Marks"),
    "submissions": N_("Work handed in"),
    "enrolments": N_("Enrolments"),
    "predictions": N_("Places"),
    "drafts": N_("Drafts"),
}


@dataclass(frozen=True)
class Step:
    """Planned action; days_left: to its day, negative if that is over, None without a day."""

    id: str
    student_id: str
    name: str | None
    action: str
    note: str | None
    due_on: date | None
    days_left: int | None


@dataclass(frozen=True)
class Newcomer:
    """Student new near the top of a course."""

    student_id: str
    name: str | None
    place: int
    place_before: int | None
    new_reasons: tuple[str, ...]
    band: Band | None = None
    band_before: Band | None = None


@dataclass(frozen=True)
class CourseNews:
    """Course with its newcomers. is_comparable: False if places were made in another way before.

    bands: of a drawn order, else None.
    """

    course: str
    as_of: str
    newcomers: tuple[Newcomer, ...]
    is_comparable: bool
    bands: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Stale:
    """Kind of rows of a course that came last longer ago than usual; latest: of them."""

    course: str | None
    kind: str
    latest: str | None


def student_ids(
    actions: Iterable[Mapping[str, Any]], news: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return the students of the page, each once."""
    found = [action["student_id"] for action in actions]
    found += [place["student_id"] for course in news for place in course["entered"]]
    return list(dict.fromkeys(found))


def steps(
    actions: Iterable[Mapping[str, Any]], names: Mapping[str, str], today: date
) -> list[Step]:
    """Return the planned actions, in their order."""
    found = []
    for action in actions:
        due_on = date.fromisoformat(action["due_on"]) if action["due_on"] else None
        found.append(
            Step(
                id=action["id"],
                student_id=action["student_id"],
                name=names.get(action["student_id"]),
                action=action["action"],
                note=(action["data"] or {}).get("note"),
                due_on=due_on,
                days_left=(due_on - today).days if due_on else None,
            )
        )
    return found


def news_of(courses: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[CourseNews]:
    """Return the courses with newcomers, the one with most of them first."""
    found = [
        CourseNews(
            course=course["course"],
            as_of=course["as_of"],
            newcomers=tuple(
                Newcomer(
                    student_id=place["student_id"],
                    name=names.get(place["student_id"]),
                    place=place["place"],
                    place_before=place["place_before"],
                    new_reasons=tuple(place["new_reasons"]),
                    band=band_of(place["place"], course["bands"], course["ranked"]),
                    band_before=band_of(place["place_before"], course["bands"], course["ranked"]),
                )
                for place in course["entered"]
            ),
            is_comparable=course["is_comparable"],
            bands=course["bands"],
        )
        for course in courses
        if course["entered"]
    ]
    return sorted(found, key=lambda one: -len(one.newcomers))


def crowded(news: Sequence[CourseNews]) -> CourseNews | None:
    """Return the course with most newcomers, if they are at least three: then look at it first."""
    if news and len(news[0].newcomers) >= _SHARED_BY:
        return news[0]
    return None


def material_hints(cohort: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the subjects of a course in which most students fell."""
    return [one for one in (cohort or {}).get("material_hints", []) if one["is_material"]]


def shared_signs(news: Iterable[CourseNews]) -> list[tuple[str, int]]:
    """Return new signs that at least three newcomers share, with their number."""
    counts = Counter(
        name for course in news for one in course.newcomers for name in set(one.new_reasons)
    )
    return [(name, count) for name, count in counts.most_common() if count >= _SHARED_BY]


def late_in(late: Sequence[Stale] | None, courses: Collection[str | None]) -> list[Stale]:
    """Return the late kinds of rows of these courses; None as `late` is not known now."""
    return [one for one in late or [] if one.course in courses]


def stale_of(items: Sequence[Mapping[str, Any]]) -> list[Stale]:
    """Return the kinds of rows with a last arrival longer ago than usual."""
    return [
        Stale(
            item.get("course"), item["kind"], item["last_received_at"] or item["last_occurred_at"]
        )
        for item in items
        if item["is_stale"]
    ]
