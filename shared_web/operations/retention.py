"""Periodic deletion of rows by age, the same in all services."""

from shared_db.retention.repository import AgeRepository
from shared_web.operations.periodic import Periodic
from shared_web.settings import ServiceSettings

# A run that takes longer continues with the next one: for a first run there is the command.
MOST_SECONDS = 600


def retention_periodic(repository: AgeRepository, settings: ServiceSettings) -> Periodic:
    """Return the work that deletes what is older than the settings allow.

    Without any such setting it deletes nothing, and its period is 0.
    """
    days = settings.retention_days

    def run() -> int:
        return repository.run(days, most_seconds=MOST_SECONDS).rows

    seconds = settings.retention_seconds if days else 0
    return Periodic("retention", seconds, run, repository.stop)
