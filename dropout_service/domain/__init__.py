"""Enums, scores and explanations as pure functions; no database, clock, HTTP or model training."""
