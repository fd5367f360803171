"""Expected failures of the commands."""


class CommandFailure(Exception):
    """Expected failure; the text is one line with the cause, the place and the remedy."""
