"""Further pages, beside those of the navigation, and the permissions for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from veritas_web.domain.marked import N_


@dataclass(frozen=True)
class FurtherPage:
    """Page on the list "More"; permissions: one of them is needed.

    or_sees_all: readers with sight of all students need none of them.
    """

    path: str
    title: str
    text: str
    permissions: tuple[str, ...]
    or_sees_all: bool = False


FURTHER: tuple[FurtherPage, ...] = (
    FurtherPage(
        "/freshness",
        N_("Freshness"),
        N_("The last data of each class, and rows that wait or were refused."),
        ("roster.read",),
    ),
    FurtherPage(
        "/quality",
        N_("How good is this?"),
        N_("The model or the rules in use, and how far their places held."),
        ("predictions.read",),
    ),
    FurtherPage(
        "/students",
        N_("Students"),
        N_("Students by name or e-mail address."),
        ("students.read",),
    ),
    FurtherPage(
        "/people",
        N_("People"),
        N_("Members of staff, their access and their classes."),
        ("roster.read",),
    ),
    FurtherPage(
        "/roles",
        N_("Roles"),
        N_("What each role may do, and roles of the school's own."),
        ("roster.read",),
    ),
    FurtherPage(
        "/keys",
        N_("Keys"),
        N_("Keys by which other systems read and send data."),
        ("keys.manage",),
    ),
    FurtherPage(
        "/break-glass",
        N_("Openings"),
        N_("Students whom staff opened in an emergency, with their reasons."),
        (),
        or_sees_all=True,
    ),
    FurtherPage(
        "/break-glass/open",
        N_("Open a student"),
        N_("In an emergency: see a student of others for a day, on record."),
        ("students.read",),
    ),
    FurtherPage(
        "/imports",
        N_("Imports"),
        N_("Students, staff, classes, enrolments and marks from files."),
        ("roster.write",),
    ),
    FurtherPage(
        "/effects",
        N_("What followed talks"),
        N_("Students who were talked to, beside similar ones who were not."),
        ("actions.read",),
    ),
    FurtherPage(
        "/meeting",
        N_("Meeting"),
        N_("A printable agenda of the weekly meeting: who is new, who improved, what is due."),
        ("predictions.read",),
    ),
    FurtherPage(
        "/system",
        N_("Systems"),
        N_("Services, background work, the state of the systems by day, slow routes, incidents."),
        ("system.read",),
    ),
)


def further_pages(may: Callable[[str], bool], *, sees_all: bool) -> Sequence[FurtherPage]:
    """Return the pages for a reader; may: True for a permission that the reader has."""
    return [
        one for one in FURTHER if (one.or_sees_all and sees_all) or any(map(may, one.permissions))
    ]
