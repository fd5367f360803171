"""Mechanisms that store rows: idempotent inserts, COPY, group commit; no tables of a service."""
