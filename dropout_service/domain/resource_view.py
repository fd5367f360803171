"""What an event RESOURCE_VIEW says in its `data`: the type of the resource, and the clicks."""

from collections.abc import Mapping

# More in one event is a mistake of the sender, and sums of a day would outgrow their column.
MOST_CLICKS = 100_000
_LONGEST_TYPE = 200


def clicks_of(data: Mapping[str, object]) -> int | None:
    """Return `clicks`, a whole number of 0 to 100,000; none where it says nothing such."""
    clicks = data.get("clicks")
    if isinstance(clicks, bool) or not isinstance(clicks, int | float):
        return None
    if not 0 <= clicks <= MOST_CLICKS or clicks != int(clicks):
        return None
    return int(clicks)


def resource_type_of(data: Mapping[str, object]) -> str | None:
    """Return `activity`, the type of the resource, of 1 to 200 characters; none without it."""
    activity = data.get("activity")
    if not isinstance(activity, str) or not 0 < len(activity) <= _LONGEST_TYPE:
        return None
    return activity
