"""Periodic work on incidents: events grouped, the health of sources followed, incidents closed."""

import threading
from datetime import datetime
from functools import partial

from monitoring_service.database.incidents.checks import close_incidents, follow_health
from monitoring_service.database.incidents.grouping import group_batch
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.repository import Repository
from shared_db.retention.turn import turn

_TURN = "incidents of monitoring"
# Lone events take some milliseconds each, and a transaction should stay below a second or two.
EVENTS_AT_ONCE = 200
MOST_BATCHES = 250
_CLOSED_AT_ONCE = 500


class IncidentWork(Repository):
    """Work that opens, counts and closes incidents; one process at a time has its turn."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._stopped = threading.Event()

    def run(self, now: datetime | None = None, most_batches: int = MOST_BATCHES) -> int:
        """Group the waiting events batch by batch; return the number of events.

        Each batch is a transaction with the marks of its events: a run that ends early loses and
        repeats nothing. If events are left for the next run, no incident is closed. Another process
        that is at it does the work; this one then skips it.

        Raises:
            DatabaseUnavailable: the server does not answer.

        """
        at, grouped = now or utc_now(), 0
        self._stopped.clear()
        with turn(self.database, _TURN) as is_ours:
            if not is_ours:
                return 0
            for _ in range(most_batches):
                count = self.write(partial(group_batch, now=at, limit=EVENTS_AT_ONCE))
                grouped += count
                if count < EVENTS_AT_ONCE:
                    self._settle(at)
                    break
                if self._stopped.is_set():
                    break
        return grouped

    def stop(self) -> None:
        """End the present run after its transaction."""
        self._stopped.set()

    def _settle(self, now: datetime) -> None:
        self.write(partial(follow_health, now=now))
        while not self._stopped.is_set():
            if self.write(partial(close_incidents, now=now, limit=_CLOSED_AT_ONCE)) == 0:
                return
