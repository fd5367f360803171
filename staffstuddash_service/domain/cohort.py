"""What a whole school's figures say, where a single student's would mislead."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

FEWEST_STUDENTS = 5
MOST_FALL = 0.6
FALL_POINTS = 5.0


@dataclass(frozen=True)
class Hint:
    """Whether most students fell together in a subject; None when too few can be compared."""

    subject: str
    compared: int
    fallen: int
    fallen_share: float | None
    is_material: bool | None
    text: str


def material_hint(subject: str, compared: int, fallen: int) -> Hint:
    """Return the hint that the material, not the students, is the problem.

    compared: students with marks of the subject in both weeks. fallen: those of them whose mean
    fell by at least 5 points. The hint holds from a share of 0.6 of at least five students.
    """
    if not 0 <= fallen <= compared:
        raise ValueError("those who fell are some of those compared")
    if compared < FEWEST_STUDENTS:
        text = f"Fewer than {FEWEST_STUDENTS} students have marks in both weeks: not assessable."
        return Hint(subject, compared, fallen, None, None, text)
    share = fallen / compared
    is_material = share >= MOST_FALL
    who = f"{fallen} of {compared} students fell by {FALL_POINTS:.0f} points or more"
    text = (
        f"{who}: look at the material of {subject} before the students."
        if is_material
        else f"{who}: no sign that the material is the problem."
    )
    return Hint(subject, compared, fallen, share, is_material, text)


def change(now: float | None, before: float | None) -> float | None:
    """Return now less before, or None when one of them is not known."""
    return None if now is None or before is None else now - before


def start_of_day(now: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the midnight that began the day of `now` in that zone, by default UTC."""
    local = now.astimezone(zone or UTC)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
