"""Fields of the files of a service, which are no tables of the database."""

from collections.abc import Mapping
from types import MappingProxyType

from shared_db.personal_data import STAFF, STUDENT, Declaration

_UNTIL_STORED = (
    "until the row is stored; a refused row until `veritas spool discard` or the erasure of the "
    "student"
)
_WAITING = Declaration((STUDENT,), "to store a row that came during an outage", _UNTIL_STORED)
_KEYS = "KEY_OUTAGE_SECONDS after the last look-up"

SPOOL_TABLES: Mapping[str, Mapping[str, Declaration]] = MappingProxyType(
    {
        "spool": {
            **dict.fromkeys(("id", "subject", "payload", "digest", "problem"), _WAITING),
            **dict.fromkeys(
                ("place", "kind", "accepted_at"),
                Declaration((), "to store the rows in their order", _UNTIL_STORED),
            ),
            **dict.fromkeys(
                ("attempts", "sqlstate", "failures", "failed_at", "next_at", "others_stored"),
                Declaration((), "to try a row again at the right time", _UNTIL_STORED),
            ),
        },
        "totals": dict.fromkeys(
            ("waiting", "refused"),
            Declaration((), "to count the rows quickly", "as long as the file"),
        ),
        "verified_keys": {
            "name": Declaration((STAFF,), "to admit known callers during an outage", _KEYS),
            **dict.fromkeys(
                ("secret_hash", "scopes", "verified_at", "expires_at", "addresses"),
                Declaration((), "to admit known callers during an outage", _KEYS),
            ),
        },
    }
)

AUDIT_TABLES: Mapping[str, Mapping[str, Declaration]] = MappingProxyType(
    {
        "reads": dict.fromkeys(
            ("place", "content"),
            Declaration(
                (STUDENT, STAFF), "to record a read before its answer", "until the row is stored"
            ),
        )
    }
)
