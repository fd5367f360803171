"""Incomplete features and predictions: computed while rows of the student waited in a spool."""

import hashlib
import socket
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_

from dropout_service.models import DropoutPrediction, FeatureSet
from shared_db.columns import Row
from shared_db.spool.pending import Pending

# After this time any host recomputes: the host of the spool may be gone. Replay takes minutes.
OTHER_HOSTS_AFTER = timedelta(minutes=15)


def pending_values(pending: Pending, student_id: str) -> Row:
    """Return the number of the student's rows that wait, and the host in whose spool they wait."""
    count = pending.of(student_id)
    return {"pending_rows": count, "pending_on": socket.gethostname() if count else None}


def is_due(model: type[FeatureSet] | type[DropoutPrediction], now: datetime) -> ColumnElement[bool]:
    """Return the condition of the incomplete rows that this host may recompute.

    A host can read its own spool only.
    """
    is_incomplete = (model.pending_rows > 0) & model.recomputed_at.is_(None)
    is_ours = model.pending_on == socket.gethostname()
    return is_incomplete & or_(is_ours, model.created_at < now - OTHER_HOSTS_AFTER)


def recomputed_id(id_: str) -> str:
    """Return the id of the row that replaces the incomplete row of that id."""
    return "again-" + hashlib.blake2b(id_.encode(), digest_size=16).hexdigest()
