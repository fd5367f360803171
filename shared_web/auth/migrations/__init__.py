"""Migrations of schema `access`."""

from shared_db.provisioning.migrations import History

HISTORY = History("shared_web.auth", "access")
# Every service reads them to authenticate callers.
KEYS = "access.api_keys"
ROLES = "access.roles"
# Every service calls it to find persons among the staff and students.
FIND_PERSON = "staffstuddash.find_person(text)"
