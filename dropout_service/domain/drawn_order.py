"""Drawn order near the top of a course: within a band of places, lots decide who is listed first.

Places of a band count as equal. The lot of a student in a course and a week is a keyed hash, so
every process finds the same order, and nobody can foresee or choose it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import blake2b, sha256

# The order is drawn in bands that begin among these places; below, students stand by place.
DRAWN_PLACES = 200
LEAST_BAND, MOST_BAND = 2, 20
_PURPOSE = b"veritas drawn order"


class ListOrder(StrEnum):
    """Order of a list of students: by place, or drawn within bands of places."""

    PLACE = "place"
    DRAWN = "drawn"


@dataclass(frozen=True)
class Bands:
    """Bands of places in a drawn list: their size, and the last place of the last one."""

    size: int
    last_place: int


@dataclass(frozen=True)
class Draw:
    """Draw of a course in a week. key: hash of course and week, keyed with the secret."""

    key: str
    size: int

    @property
    def bands(self) -> Bands:
        """The size and the end of the bands."""
        return Bands(self.size, self.band(DRAWN_PLACES)[1])

    def band(self, place: int) -> tuple[int, int]:
        """Return the first and the last place of the band of a place."""
        first = place - (place - 1) % self.size
        return first, first + self.size - 1

    def lot(self, student_id: str) -> str:
        """Return the lot of a student; in a band the smallest lot comes first."""
        return sha256((self.key + student_id).encode()).hexdigest()

    def positions(self, places: Mapping[str, int]) -> dict[str, int]:
        """Return the positions in the drawn order by student, 1 is the first.

        places: by student; each band that matters must be complete. Students who share a place
        may make a band longer, which moves nobody below it.
        """
        members: dict[tuple[int, int], list[str]] = defaultdict(list)
        for student_id, place in places.items():
            is_drawn = place <= self.bands.last_place
            members[self.band(place) if is_drawn else (place, place)].append(student_id)
        found = {}
        for students in members.values():
            first = min(places[student_id] for student_id in students)
            for at, student_id in enumerate(sorted(students, key=self.lot)):
                found[student_id] = first + at
        return found


@dataclass(frozen=True)
class Lottery:
    """Draws of an installation. size: places that count as equal; 0: no order is drawn."""

    size: int = 0
    secret: str = ""

    @property
    def is_on(self) -> bool:
        """True if orders are drawn."""
        return self.size > 0

    def draw(self, course: str, week: date, size: int | None = None) -> Draw:
        """Return the draw of a course in a week; size: of its bands if it was drawn before."""
        key = blake2b(_PURPOSE + self.secret.encode(), digest_size=32).digest()
        named = f"{week.isoformat()}\n{course}".encode()
        return Draw(blake2b(named, key=key, digest_size=32).hexdigest(), size or self.size)


OFF = Lottery()


def listed_first(places: Iterable[tuple[str, int]], top: int, draw: Draw | None) -> list[str]:
    """Return the students of the first `top` places in the order of the list.

    draw: None: by place; then equal places count as one. With a draw `top` is the number listed.
    """
    known = dict(places)
    order = known if draw is None else draw.positions(known)
    chosen = ((position, id_) for id_, position in order.items() if position <= top)
    return [student_id for _, student_id in sorted(chosen)]
