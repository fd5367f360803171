"""The history of schema `access`."""

from shared_db.provisioning.migrations import History

HISTORY = History("shared_web.auth", "access")
# Every service asks it who calls.
KEYS = "access.api_keys"
