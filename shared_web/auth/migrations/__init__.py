"""Migrations of schema `access`."""

from shared_db.provisioning.migrations import History

HISTORY = History("shared_web.auth", "access")
# Every service reads them to authenticate callers.
KEYS = "access.api_keys"
ROLES = "access.roles"
