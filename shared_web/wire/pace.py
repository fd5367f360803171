"""Pace of what must go on: so many bytes in each stretch of time."""


class Pace:
    """Tells when less came than a rate, averaged over a stretch of time.

    seconds: the stretch. rate: bytes a second; with 0 nothing is ever too slow.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._bytes = seconds * rate
        self._since = 0.0
        self._total = 0

    def restart(self, now: float, total: int) -> None:
        """Begin a stretch."""
        self._since, self._total = now, total

    def is_lost(self, now: float, total: int) -> bool:
        """Tell whether the stretch passed with too little; with enough, or less, it begins anew.

        total: of all bytes until now; less than before means that something else is counted now.
        """
        if not 0 <= total - self._total < self._bytes:
            self.restart(now, total)
        return now - self._since > self._seconds
