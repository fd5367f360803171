"""Kinds of answers to persons, and routes with the answers that are expected of them."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Kind(Enum):
    """Answer to a person with the permission of the route.

    READ, WRITE: about one student. In sight, as to a system; a write stores rows. Out of sight, as
    of an absent student, apart from the id, and nothing is stored.
    ROW: as those, about a row of a student, known by its id.
    LIST: the items of a system's list that are of students in sight, in the same order.
    SCHOOL: the same to everybody.
    COURSES: the same to everybody, except for figures, which are those of students in sight.
    FIGURES: 403 `group-too-small` to those who see fewer than 5 students.
    NEAR: students of courses, of whom those in sight are shown.
    SYSTEMS: 403 `not-for-persons` to persons who do not see all students, whatever the student,
    and nothing is stored.
    HIDDEN: as READ, but 403 `not-for-persons` about a student in sight.
    ALL: as to a system, a change included.
    OPENING: stored for staff who do not see the student; refused to all others.
    CALLER: the caller. KEYS: 403 `forbidden` instead, as a key would show every student.
    """

    READ = "read"
    WRITE = "write"
    ROW = "row"
    LIST = "list"
    SCHOOL = "school"
    FIGURES = "figures"
    NEAR = "near"
    SYSTEMS = "systems"
    HIDDEN = "hidden"
    ALL = "all"
    CALLER = "caller"
    COURSES = "courses"
    KEYS = "keys"
    OPENING = "opening"


@dataclass(frozen=True)
class Route:
    """Expectation of one route.

    permission: None for every caller. status: of the answer that does what was asked. moved: the
    same under the former id of a student in sight. field: of the items of a list, the student's id.
    params: of the query. body: JSON, or the text of a table. creates: True if a write creates an
    absent student for those who see all. or_sees_all: True if those who see all need no permission.
    varies: True if each answer has another body and is logged. own: role of the person in the path,
    who needs no permission. is_of_self: True if a student needs none for their own id.
    """

    permission: str | None
    kind: Kind
    status: int = 200
    moved: int = 308
    field: str = ""
    params: str = ""
    body: Any = None
    creates: bool = False
    or_sees_all: bool = False
    varies: bool = False
    own: str = ""
    is_of_self: bool = False


def reads(permission: str, *, is_of_self: bool = False) -> Route:
    return Route(permission, Kind.READ, is_of_self=is_of_self)


def writes(
    permission: str, status: int, moved: int, body: Any, *, is_of_self: bool = False
) -> Route:
    return Route(permission, Kind.WRITE, status, moved, body=body, is_of_self=is_of_self)


def row(permission: str, status: int = 200, body: Any = None, params: str = "") -> Route:
    return Route(permission, Kind.ROW, status, status, params=params, body=body)


def lists(permission: str, field: str) -> Route:
    return Route(permission, Kind.LIST, field=field)


def school(permission: str | None) -> Route:
    return Route(permission, Kind.SCHOOL)


def figures(permission: str) -> Route:
    return Route(permission, Kind.FIGURES)


def systems(
    permission: str, body: Any = None, status: int = 200, moved: int = 308, params: str = ""
) -> Route:
    return Route(permission, Kind.SYSTEMS, status, moved, params=params, body=body)


def all_persons(permission: str, status: int, body: Any = None, params: str = "") -> Route:
    return Route(permission, Kind.ALL, status, params=params, body=body)
