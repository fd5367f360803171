"""Connections and transactions on PostgreSQL or in memory; no spool, and no SQL of a table."""
