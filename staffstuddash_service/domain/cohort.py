"""Figures of a whole school that a single student's figures cannot show."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

MIN_STUDENTS = 5
MATERIAL_SHARE = 0.6
FALL_POINTS = 5.0


@dataclass(frozen=True)
class MaterialHint:
    """Hint on a subject: most students fell together; None if too few can be compared."""

    subject: str
    compared: int
    fallen: int
    fallen_share: float | None
    is_material: bool | None
    text: str


def material_hint(subject: str, compared: int, fallen: int) -> MaterialHint:
    """Return the hint that the material, not the students, is the problem.

    compared: students with marks of the subject in both weeks. fallen: those of them with a mean
    that fell by at least 5 points. The hint holds from a share of 0.6 of at least five students.

    Raises:
        ValueError: fallen is negative or above compared.

    """
    if not 0 <= fallen <= compared:
        raise ValueError("those who fell are some of those compared")
    if compared < MIN_STUDENTS:
        text = f"Fewer than {MIN_STUDENTS} students have marks in both weeks: not assessable."
        return MaterialHint(subject, compared, fallen, None, None, text)
    share = fallen / compared
    is_material = share >= MATERIAL_SHARE
    fall = f"{fallen} of {compared} students fell by {FALL_POINTS:.0f} points or more"
    text = (
        f"{fall}: look at the material of {subject} before the students."
        if is_material
        else f"{fall}: no sign that the material is the problem."
    )
    return MaterialHint(subject, compared, fallen, share, is_material, text)


def change(now: float | None, before: float | None) -> float | None:
    """Return now less before, or None if one of them is unknown."""
    return None if now is None or before is None else now - before


def start_of_day(now: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the last midnight before `now` in the zone, by default UTC."""
    local = now.astimezone(zone or UTC)
    # The first of two midnights, where clocks are set back over midnight.
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
