"""Features: counts and columns computed from events and marks; no predictions."""
