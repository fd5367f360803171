"""Number of predictions that this process has made."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import event
from sqlalchemy.orm import Session

from dropout_service.domain.rules.risk import RULES_VERSION
from shared_db.columns import Row


class PredictionCount:
    """Predictions that were committed, by the way they were made: rules, model, or given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Counter[str] = Counter(rules=0, model=0, given=0)

    def add_on_commit(self, session: Session, rows: Iterable[Row]) -> None:
        """Count the rows once the transaction of the session is committed."""
        added = Counter(map(_way, rows))
        if added:
            event.listen(session, "after_commit", lambda _session: self._add(added), once=True)

    def totals(self) -> Mapping[str, int]:
        """Return the numbers since the start of the process."""
        with self._lock:
            return dict(self._made)

    def _add(self, added: Counter[str]) -> None:
        with self._lock:
            self._made.update(added)


def _way(row: Row) -> str:
    if row["base_log_odds"] is not None:
        return "model"
    # Clients give versions of their own to predictions that were made elsewhere.
    return "rules" if row["version"] == RULES_VERSION else "given"


MADE = PredictionCount()
