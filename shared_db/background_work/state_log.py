"""Log of a state that lasts: a line when it begins or changes, and one when it ends."""

import logging


class StateLog:
    """Log of a failure that is met again and again, by many requests or every half second."""

    def __init__(self, logger: logging.Logger, broken: str, mended: str) -> None:
        self._logger = logger
        self._broken = broken
        self._mended = mended
        self._told: str | None = None

    def report(self, cause: object | None) -> None:
        """Log the cause if it is a new one, or None if the failure is over."""
        told = None if cause is None else str(cause)
        if told == self._told:
            return
        self._told = told
        if told is None:
            self._logger.warning("%s", self._mended)
        else:
            self._logger.error("%s: %s", self._broken, told)
