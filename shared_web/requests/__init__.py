"""Request bodies: limits, JSON, batches, CSV, field types, idempotency; no query parameters."""
