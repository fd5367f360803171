"""Incomplete features and predictions: computed while rows of the student waited in a spool."""

import hashlib
import socket
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_

from dropout_service.models import DropoutPrediction, FeatureSet
from shared_db.spool.pending import Pending

# From then on another host computes again, for one that is gone: replay takes minutes at most.
OTHERS_AFTER = timedelta(minutes=15)


def note_pending(row: FeatureSet | DropoutPrediction, pending: Pending) -> None:
    """Keep with a row how many rows of its student wait, and in the spool of which host."""
    row.pending_rows = pending.of(row.student_id)
    row.pending_on = socket.gethostname() if row.pending_rows else None


def is_due(model: type[FeatureSet] | type[DropoutPrediction], now: datetime) -> ColumnElement[bool]:
    """Return the condition of rows that this host may compute again.

    Each host knows its own spool only.
    """
    is_incomplete = (model.pending_rows > 0) & model.recomputed_at.is_(None)
    is_ours = model.pending_on == socket.gethostname()
    return is_incomplete & or_(is_ours, model.created_at < now - OTHERS_AFTER)


def id_again(id_: str) -> str:
    """Return the id of what is computed again in the place of the row of that id."""
    return "again-" + hashlib.blake2b(id_.encode(), digest_size=16).hexdigest()
