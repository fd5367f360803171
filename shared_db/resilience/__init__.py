"""Resilience against a slow or absent database: breaker, deadlines, errors; no queries here."""
