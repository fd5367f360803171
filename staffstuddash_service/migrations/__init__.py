"""The history of schema `staffstuddash`."""

from shared_db.provisioning.migrations import History

HISTORY = History("staffstuddash_service", "staffstuddash", reads=("dropout.published_risk",))
