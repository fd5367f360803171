"""The history of schema `access`."""

from shared_db.migrations import History

HISTORY = History("shared_web", "access")
# Every service asks it who calls.
KEYS = "access.api_keys"
