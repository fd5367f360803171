"""Names of time zones in requests."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints


def _require_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError) as unknown:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("is no time zone like Europe/Berlin") from unknown
    except KeyError as unknown:
        raise ValueError("is no time zone like Europe/Berlin") from unknown
    return name


ZoneName = Annotated[
    str, StringConstraints(min_length=1, max_length=60), AfterValidator(_require_zone)
]
