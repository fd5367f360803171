"""The history of schema `monitoring`."""

from shared_db.provisioning.migrations import History

HISTORY = History(
    "monitoring_service",
    "monitoring",
    reads=("staffstuddash.published_background_work", "dropout.published_background_work"),
)
