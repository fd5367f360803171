"""Fields of the `data` of a RESOURCE_VIEW event: the type of the resource, and the clicks."""

from collections.abc import Mapping

# A larger number is an error of the sender, and the sum of a day would overflow its column.
MAX_CLICKS = 100_000
MAX_TYPE_LENGTH = 200


def is_clicks(value: object) -> bool:
    """Return True if the value is a number of clicks: a whole number of 0 to 100,000."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_CLICKS and value == int(value)


def is_type(value: object) -> bool:
    """Return True if the value is a resource type: text of 1 to 200 characters."""
    return isinstance(value, str) and 0 < len(value) <= MAX_TYPE_LENGTH


def clicks_of(data: Mapping[str, object]) -> int | None:
    """Return `clicks`, or None without a valid number."""
    clicks = data.get("clicks")
    return int(clicks) if isinstance(clicks, int | float) and is_clicks(clicks) else None


def resource_type_of(data: Mapping[str, object]) -> str | None:
    """Return `activity`, the resource type, or None without a valid one."""
    activity = data.get("activity")
    return activity if isinstance(activity, str) and is_type(activity) else None
