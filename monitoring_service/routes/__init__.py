"""Routes, one file per resource; no SQL and no rules."""
