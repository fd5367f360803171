"""Migrations of schema `access`."""

from shared_db.provisioning.grants import Grant
from shared_db.provisioning.migrations import History

HISTORY = History("shared_web.auth", "access")
# Every service reads them to authenticate callers.
READ_BY_ALL = ("access.api_keys", "access.roles", "access.key_uses")
WRITTEN_BY_ALL = (Grant("access.key_uses", "INSERT, UPDATE"),)
# For the one service that makes keys and roles over HTTP.
MANAGING = (
    Grant("access.api_keys", "INSERT, UPDATE"),
    Grant("access.roles", "INSERT, UPDATE, DELETE"),
)
# Every service calls it to find persons among the staff and students.
CALLED_BY_ALL = ("staffstuddash.find_person(text)",)
