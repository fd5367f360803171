"""Parts of English sentences: figures, days and shares."""


def shown(value: float | None, digits: int = 0) -> str:
    """Return a rounded figure."""
    return "not known" if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """Return a share, 0 to 1, in percent."""
    return "not known" if share is None else f"{100 * share:.0f} %"


def counted(value: float | None, one: str, more: str) -> str:
    """Return a figure with its noun."""
    return f"{shown(value)} {one if shown(value) == '1' else more}"


def days(count: float | None) -> str:
    """Return a number of days."""
    return counted(count, "day", "days")


def beside_due(lead: float) -> str:
    """Return the text for a lead in days before the due day; a negative lead is after it."""
    if not round(lead):
        return "on the day"
    return f"{days(abs(lead))} {'before' if lead > 0 else 'after'}"
