"""Keys of an event's `data` that the service consumes, and the types of their values."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dropout_service.domain.enums import EventType
from dropout_service.domain.resource_view import MAX_CLICKS, MAX_TYPE_LENGTH, is_clicks, is_type


class ConsumedKey(NamedTuple):
    """Consumed key: the check of its value, and the message for a value of a wrong type."""

    is_valid: Callable[[object], bool]
    message: str


CONSUMED: Mapping[EventType, Mapping[str, ConsumedKey]] = {
    EventType.QUESTION_SUBMIT: {
        "correct": ConsumedKey(lambda value: isinstance(value, bool), "must be true or false"),
        # Any value, because answers are only compared with one another.
        "answer": ConsumedKey(lambda _: True, ""),
    },
    EventType.RESOURCE_VIEW: {
        "clicks": ConsumedKey(is_clicks, f"must be a whole number of 0 to {MAX_CLICKS}"),
        "activity": ConsumedKey(is_type, f"must be text of 1 to {MAX_TYPE_LENGTH} characters"),
    },
}


def wrong_values(event_type: EventType, data: Mapping[str, object]) -> dict[str, str]:
    """Return the consumed keys with a value of a wrong type, each with its message.

    A null is no wrong value: it means unknown, as an absent key does.
    """
    return {
        name: key.message
        for name, key in CONSUMED.get(event_type, {}).items()
        if data.get(name) is not None and not key.is_valid(data[name])
    }
