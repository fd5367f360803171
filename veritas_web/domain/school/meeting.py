"""Agenda of the weekly meeting: students by class with their reasons, and steps that are due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from veritas_web.domain.reasons import Reason

# Classes of an agenda for which none is chosen.
USUAL_CLASSES = 10


@dataclass(frozen=True)
class AgendaStudent:
    """Student to talk about; name: None if it is not known now."""

    student_id: str
    prediction_id: str
    name: str | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class AgendaClass:
    """Class of the agenda: students new near the top, and those who were there before.

    is_known: False without an earlier run to compare with.
    """

    course: str
    as_of: str
    is_known: bool
    new: tuple[AgendaStudent, ...]
    improved: tuple[AgendaStudent, ...]


@dataclass(frozen=True)
class DueStep:
    """Planned step; by: the person to do it. is_overdue: its day is over."""

    student_id: str
    name: str | None
    action: str
    note: str | None
    by: str
    due_on: date | None
    is_overdue: bool


def classes_with_news(courses: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the classes for an agenda: those with most new or improved students."""
    counted = [(len(one["entered"]), len(one["left"]), one["course"]) for one in courses]
    ordered = sorted(counted, key=lambda one: (-one[0], -one[1], one[2]))
    return [course for new, improved, course in ordered if new or improved][:USUAL_CLASSES]


def agenda(
    courses: Sequence[Mapping[str, Any]], names: Mapping[str, str], chosen: Sequence[str]
) -> list[AgendaClass]:
    """Return the classes in the chosen order."""
    known = {one["course"]: one for one in courses}
    return [
        AgendaClass(
            course=id_,
            as_of=known[id_]["as_of"],
            is_known=known[id_]["compared_as_of"] is not None,
            new=_students(known[id_]["entered"], names),
            improved=_students(known[id_]["left"], names),
        )
        for id_ in chosen
        if id_ in known
    ]


def due_steps(
    actions: Iterable[Mapping[str, Any]], names: Mapping[str, str], today: date
) -> list[DueStep]:
    """Return the steps by their day, the overdue ones first."""
    found = []
    for one in actions:
        due_on = date.fromisoformat(one["due_on"]) if one["due_on"] else None
        found.append(
            DueStep(
                student_id=one["student_id"],
                name=names.get(one["student_id"]),
                action=one["action"],
                note=(one["data"] or {}).get("note"),
                by=_doer(one),
                due_on=due_on,
                is_overdue=due_on is not None and due_on < today,
            )
        )
    return found


def student_ids(
    actions: Iterable[Mapping[str, Any]], courses: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Return the students of the agenda, each once."""
    found = [one["student_id"] for one in actions]
    found += [
        place["student_id"]
        for one in courses
        for group in ("entered", "left")
        for place in one[group]
    ]
    return list(dict.fromkeys(found))


def _doer(action: Mapping[str, Any]) -> str:
    """Return the name of the person to do a step, or the id if the roster has no name."""
    if action["assigned_to"]:
        return str(action["assigned_to_name"] or action["assigned_to"])
    return str(action["actor_name"] or action["actor"])


def _students(
    places: Iterable[Mapping[str, Any]], names: Mapping[str, str]
) -> tuple[AgendaStudent, ...]:
    return tuple(
        AgendaStudent(
            one["student_id"],
            one["prediction_id"],
            names.get(one["student_id"]),
            tuple(map(Reason.of, one["reasons"] or ())),
        )
        for one in places
    )
