"""Numbers, lists, days and instants as the reader's language writes them."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_datetime_format
from babel.lists import format_list
from babel.numbers import (
    format_decimal,
    format_percent,
    get_minus_sign_symbol,
    get_plus_sign_symbol,
)

from veritas_web.languages import locale_of


def formats(language: str, zone: ZoneInfo) -> dict[str, Callable[..., str]]:
    """Return the filters of templates by name; zone: of instants."""
    locale = locale_of(language)

    def number(value: float, digits: int = 0) -> str:
        return format_decimal(round(value, digits), locale=locale)

    def signed(value: float, digits: int = 0) -> str:
        rounded = round(value, digits) + 0.0
        pattern = "#,##0.###"
        # The signs of Arabic keep their side of the number.
        plus, minus = get_plus_sign_symbol(locale), get_minus_sign_symbol(locale)
        signs = f"{plus}{pattern};{minus}{pattern}" if rounded else pattern
        return format_decimal(rounded, signs, locale)

    def percent(share: float) -> str:
        return format_percent(share, locale=locale)

    def listed(texts: Iterable[str]) -> str:
        return format_list(list(texts), locale=locale)

    def day(value: str | date) -> str:
        chosen = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return format_date(chosen, "medium", locale=locale)

    def short_day(value: date) -> str:
        return format_skeleton("Md", datetime.combine(value, time()), locale=locale)

    def moment(value: str | datetime) -> str:
        chosen = datetime.fromisoformat(value) if isinstance(value, str) else value
        local = chosen.astimezone(zone)
        clock = format_time(local.time(), "short", locale=locale)
        joined = str(get_datetime_format("medium", locale)).replace("'", "")
        return joined.format(clock, format_date(local.date(), "medium", locale=locale))

    return {
        "number": number,
        "signed": signed,
        "percent": percent,
        "listed": listed,
        "day": day,
        "short_day": short_day,
        "moment": moment,
    }
