"""Numbers of connections of an engine, with or without a pool."""

import threading

from sqlalchemy import Engine, QueuePool, event


class ConnectionCount:
    """Connections of this process to the server: those that are open, and those in use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._open = 0
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "close", self._closed)

    def numbers(self) -> tuple[int, int]:
        """Return the numbers of connections in use and of open ones.

        Without a pool each open connection is in use.
        """
        opened, pool = self._open, self._engine.pool
        return (min(pool.checkedout(), opened) if isinstance(pool, QueuePool) else opened), opened

    def _connected(self, *_details: object) -> None:
        with self._lock:
            self._open += 1

    def _closed(self, *_details: object) -> None:
        with self._lock:
            self._open -= 1
