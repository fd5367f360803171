"""Further pages, beside those of the navigation, and the permissions for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from veritas_web.domain.marked import N_


@dataclass(frozen=True)
class FurtherPage:
    """Page on the list "More"; permissions: one of them is needed."""

    path: str
    title: str
    text: str
    permissions: tuple[str, ...]


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
)


def further_pages(may: Callable[[str], bool]) -> Sequence[FurtherPage]:
    """Return the pages for a reader; may: True for a permission that the reader has."""
    return [one for one in FURTHER if any(map(may, one.permissions))]
