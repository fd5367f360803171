"""Migrations of schema `staffstuddash`; each is one revision in `versions`."""

from shared_db.provisioning.migrations import History
from shared_web.auth.migrations import MANAGING

HISTORY = History(
    "staffstuddash_service",
    "staffstuddash",
    reads=("dropout.published_risk",),
    writes=MANAGING,
)
