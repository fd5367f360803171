"""The history of schema `monitoring`."""

from shared_db.provisioning.migrations import History

HISTORY = History(
    "monitoring_service",
    "monitoring",
    reads=("staffstuddash.published_background_work", "dropout.published_background_work"),
    calls=("monitoring.add_log_month(date)", "monitoring.drop_log_months(date)"),
)
