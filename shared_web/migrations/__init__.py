"""The history of schema `access`."""

from shared_db.migrations import History

HISTORY = History("shared_web", "access")
