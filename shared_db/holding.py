"""Rows that cannot be given back now: set aside, so that only what is of their student waits."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from shared_db.failures import may_be_of_the_row
from shared_db.spool import Entry

# So many failures, over so long, while others of its kind are stored: then it is the row.
HOPELESS_ATTEMPTS = 5
HOPELESS_SECONDS = 300
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30
# So many rows of a kind one after the other, each alone: then it is none of theirs.
_MOST_IN_A_ROW = 3
# Of a kind in a pass, so that much that is held costs the server no more than a little.
_MOST_TRIED_AGAIN = 10


@dataclass
class _Held:
    """A row that failed alone. code: the SQLSTATE, with which it failed each time since."""

    kind: str
    code: str
    since: float
    next_at: float
    attempts: int = 0
    others_were_stored: bool = False


class Holding:
    """Which rows are tried in a pass through the spool, oldest first, and which are given up.

    now: seconds of a clock that only goes forward. is_ordered: whether rows of a kind wait for what
    came before of their student.
    """

    def __init__(self, now: Callable[[], float], is_ordered: Callable[[str], bool]) -> None:
        self._now = now
        self._is_ordered = is_ordered
        self._held: dict[int, _Held] = {}
        self._met: set[int] = set()
        self._waiting_lines: set[str | int] = set()
        self._in_a_row: Counter[str] = Counter()
        self._failed_again: Counter[str] = Counter()

    def begin(self, kinds_stored: Iterable[str]) -> None:
        """Begin a pass. kinds_stored: of which something was stored meanwhile, past the spool."""
        self._met.clear()
        self._waiting_lines.clear()
        self._in_a_row.clear()
        self._failed_again.clear()
        for kind in kinds_stored:
            self._note_stored(kind)

    def end(self) -> None:
        """End a pass that met all that waits: what it did not meet, another process has settled."""
        self._held = {place: held for place, held in self._held.items() if place in self._met}

    @property
    def is_stuck(self) -> bool:
        """Tell whether of some kind nothing could be stored in this pass."""
        return any(count >= _MOST_IN_A_ROW for count in self._in_a_row.values())

    def lets(self, entry: Entry) -> bool:
        """Tell whether the row may be tried; if not, what is of its student waits behind it."""
        self._met.add(entry.place)
        line = self._line(entry)
        if line not in self._waiting_lines and self._has_its_turn(entry):
            return True
        self._waiting_lines.add(line)
        return False

    def apart(self, entries: Iterable[Entry]) -> list[list[Entry]]:
        """Return the rows in their order, each that is held alone, or it would spoil the others."""
        runs: list[list[Entry]] = []
        for is_held, group in groupby(entries, lambda entry: entry.place in self._held):
            rows = list(group)
            runs += [[row] for row in rows] if is_held else [rows]
        return runs

    def knows(self, code: str) -> bool:
        """Tell whether a row that is held failed with that SQLSTATE."""
        return any(held.code == code for held in self._held.values())

    def failed(self, entry: Entry, code: str) -> Entry | None:
        """Hold the row, which failed alone; return it with its attempts if it is hopeless."""
        now = self._now()
        held = self._held.get(entry.place)
        (self._in_a_row if held is None else self._failed_again)[entry.kind] += 1
        if held is None or held.code != code:
            held = self._held[entry.place] = _Held(entry.kind, code, since=now, next_at=now)
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** min(held.attempts, 6), _LONGEST_PAUSE_SECONDS)
        held.next_at = now + pause
        held.attempts += 1
        if self._is_hopeless(held):
            del self._held[entry.place]
            return replace(entry, attempts=entry.attempts + held.attempts - 1)
        self._waiting_lines.add(self._line(entry))
        return None

    def stored(self, kind: str, entries: Collection[Entry]) -> None:
        """Note that rows were stored; what was in the way of one that was held is gone."""
        if not entries:
            return
        self._in_a_row[kind] = 0
        self._note_stored(kind)
        freed = {held.code for e in entries if (held := self._held.pop(e.place, None))}
        for held in self._held.values():
            if held.code in freed:
                held.next_at = self._now()

    def _has_its_turn(self, entry: Entry) -> bool:
        held = self._held.get(entry.place)
        if held is None:
            return self._in_a_row[entry.kind] < _MOST_IN_A_ROW
        return held.next_at <= self._now() and self._failed_again[entry.kind] < _MOST_TRIED_AGAIN

    def _is_hopeless(self, held: _Held) -> bool:
        return (
            may_be_of_the_row(held.code)
            and held.others_were_stored
            and held.attempts >= HOPELESS_ATTEMPTS
            and self._now() - held.since >= HOPELESS_SECONDS
        )

    def _note_stored(self, kind: str) -> None:
        for held in self._held.values():
            if held.kind == kind:
                held.others_were_stored = True

    def _line(self, entry: Entry) -> str | int:
        if entry.subject is None or not self._is_ordered(entry.kind):
            return entry.place
        return entry.subject
