"""Request bodies: limits, JSON, batches, CSV, field types, idempotency; no query parameters."""

from shared_web.requests.acknowledgement import QUEUED, Acknowledgement, intake_of, queued
from shared_web.requests.batches import Batch, BatchOut, batch_route, handle_batch
from shared_web.requests.csv_body import csv_body, read_csv
from shared_web.requests.expensive_reads import EXPENSIVE, EXPENSIVE_IF_SEARCHED
from shared_web.requests.fields import AdditionOut, Body, Out
from shared_web.requests.idempotency import IdempotencyKey, created, mark_replay, row_id
from shared_web.requests.json_bodies import json_body, read_json

__all__ = [
    "EXPENSIVE",
    "EXPENSIVE_IF_SEARCHED",
    "QUEUED",
    "Acknowledgement",
    "AdditionOut",
    "Batch",
    "BatchOut",
    "Body",
    "IdempotencyKey",
    "Out",
    "batch_route",
    "created",
    "csv_body",
    "handle_batch",
    "intake_of",
    "json_body",
    "mark_replay",
    "queued",
    "read_csv",
    "read_json",
    "row_id",
]  # fmt: skip
