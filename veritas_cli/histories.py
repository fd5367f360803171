"""All schemas of the one database, in the order in which their migrations build on one another."""

from sqlalchemy import Engine

from dropout_service.migrations import HISTORY as DROPOUT
from monitoring_service.migrations import HISTORY as MONITORING
from shared_db.migrations import History
from shared_web.migrations import HISTORY as ACCESS
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH

# dropout reads what staffstuddash publishes, so it comes after it.
HISTORIES: tuple[History, ...] = (ACCESS, STAFFSTUDDASH, DROPOUT, MONITORING)


def migrate_all(engine: Engine) -> None:
    """Bring every schema to this release's revision."""
    for history in HISTORIES:
        history.upgrade(engine)
