"""Addresses of own pages, to which a form or a sign-in returns."""

START = "/"
# Of a student.
OWN_START = "/me"
_LONGEST = 500


def own_place(place: str) -> str:
    """Return the path if it is one of these pages: a link must not lead elsewhere by a form."""
    is_path = place.startswith("/") and not place.startswith(("//", "/\\", "/api/"))
    is_plain = place.isprintable() and "\\" not in place and len(place) <= _LONGEST
    return place if is_path and is_plain else START
