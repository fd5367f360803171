"""Mark of texts that are translated where they are shown."""


def N_(text: str) -> str:  # noqa: N802 - the name that extractors of gettext know
    """Return the text unchanged."""
    return text
