"""Bands of places that count as equal, where the order of a list is drawn."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Band(NamedTuple):
    """First and last place of a band."""

    first: int
    last: int


def band_of(place: int | None, bands: Mapping[str, Any] | None, ranked: int | None) -> Band | None:
    """Return the band of a place; None: the place stands for itself.

    bands: of an answer of the API, null unless the order is drawn. ranked: students with a place.
    """
    if place is None or not bands or place > bands["last_place"]:
        return None
    first = place - (place - 1) % bands["size"]
    last = first + bands["size"] - 1
    return Band(first, min(last, ranked) if ranked else last)
