"""Time of the weekly digest in the school's time zone, and its settings."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from shared_db.errors import ConfigurationError
from veritas_web.digests.schedule import due_week
from veritas_web.settings import Settings, Weekday

BERLIN = ZoneInfo("Europe/Berlin")
# A Monday; clocks were set back on the Sunday before.
MONDAY = date(2026, 10, 26)
LAST = date(2026, 10, 19)


@pytest.mark.parametrize(
    ("weekday", "hour", "now", "expected"),
    [
        (Weekday.MONDAY, 7, datetime(2026, 10, 26, 5, 59, tzinfo=UTC), None),
        (Weekday.MONDAY, 7, datetime(2026, 10, 26, 6, 0, tzinfo=UTC), MONDAY),
        (Weekday.MONDAY, 7, datetime(2026, 10, 27, 5, 59, tzinfo=UTC), MONDAY),
        (Weekday.MONDAY, 7, datetime(2026, 10, 27, 6, 0, tzinfo=UTC), None),
        (Weekday.SUNDAY, 20, datetime(2026, 10, 25, 19, 0, tzinfo=UTC), LAST),
        (Weekday.SUNDAY, 20, datetime(2026, 10, 26, 10, 0, tzinfo=UTC), LAST),
        # Monday in Berlin begins while it is Sunday in UTC.
        (Weekday.MONDAY, 0, datetime(2026, 10, 25, 23, 30, tzinfo=UTC), MONDAY),
    ],
)
def test_a_digest_is_due_for_a_day_from_its_hour_on(
    weekday: Weekday, hour: int, now: datetime, expected: date | None
) -> None:
    assert due_week(weekday, hour, BERLIN, now) == expected


def test_settings_of_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().digest_weekday is None
    monkeypatch.setenv("DIGEST_WEEKDAY", "Friday")
    assert Settings.load().digest_weekday is Weekday.FRIDAY
    for wrong in ({"digest_weekday": "someday"}, {"digest_hour": 24}, {"digest_language": "xx"}):
        with pytest.raises(ConfigurationError):
            Settings.load(**wrong)
