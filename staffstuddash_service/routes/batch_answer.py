"""A manager's results of a batch as the answer to it."""

from collections.abc import Sequence
from typing import Any

from shared_web.requests.batches import Batch, BatchOut
from staffstuddash_service.datastore import Result


def answer(batch: Batch[Any], results: Sequence[Result], field: str) -> BatchOut:
    """Return what became of each item; `field` is named where the manager refused one."""
    valid, refused = {}, dict(batch.refused)
    stored = []
    for (index, item), result in zip(batch.valid.items(), results, strict=True):
        if result.refusal is not None:
            why = {"location": "body", "field": field, "message": result.refusal.title}
            refused[index] = [why]
        elif result.outcome is not None:
            valid[index] = item
            stored.append((result.id, result.outcome))
    ids, outcomes = [id_ for id_, _ in stored], [outcome for _, outcome in stored]
    return Batch(valid, refused).answer(ids, outcomes)
