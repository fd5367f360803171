"""Log of a lasting state: one line when it begins or changes, one when it ends."""

import logging


class StateLog:
    """Log of a failure that occurs repeatedly, in many requests or every half second."""

    def __init__(self, logger: logging.Logger, broken: str, recovered: str) -> None:
        self._logger = logger
        self._broken = broken
        self._recovered = recovered
        self._reported: str | None = None

    def report(self, cause: object | None) -> None:
        """Log the cause if it is a new one, or None if the failure is over."""
        text = None if cause is None else str(cause)
        if text == self._reported:
            return
        self._reported = text
        if text is None:
            self._logger.warning("%s", self._recovered)
        else:
            self._logger.error("%s: %s", self._broken, text)
