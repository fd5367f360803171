"""Minimum rate of a transfer, averaged over a period."""


class Pace:
    """Check of a transfer against a minimum rate.

    seconds: period over which the rate is averaged. rate: bytes per second; 0: no minimum.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._bytes = seconds * rate
        self._since = 0.0
        self._total = 0

    def restart(self, now: float, total: int) -> None:
        """Start a period."""
        self._since, self._total = now, total

    def is_too_slow(self, now: float, total: int) -> bool:
        """Return True if the period ended with too few bytes; with enough, start a new period.

        total: all bytes until now; a smaller total than before is another transfer, a new period.
        """
        if not 0 <= total - self._total < self._bytes:
            self.restart(now, total)
        return now - self._since > self._seconds
