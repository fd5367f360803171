"""Fields of the `data` of a RESOURCE_VIEW event: the type of the resource, and the clicks."""

from collections.abc import Mapping

# A larger number is an error of the sender, and the sum of a day would overflow its column.
MAX_CLICKS = 100_000
_MAX_TYPE_LENGTH = 200


def clicks_of(data: Mapping[str, object]) -> int | None:
    """Return `clicks`, a whole number of 0 to 100,000, or None without such a number."""
    clicks = data.get("clicks")
    if isinstance(clicks, bool) or not isinstance(clicks, int | float):
        return None
    if not 0 <= clicks <= MAX_CLICKS or clicks != int(clicks):
        return None
    return int(clicks)


def resource_type_of(data: Mapping[str, object]) -> str | None:
    """Return `activity`, the resource type of 1 to 200 characters, or None without one."""
    activity = data.get("activity")
    if not isinstance(activity, str) or not 0 < len(activity) <= _MAX_TYPE_LENGTH:
        return None
    return activity
