"""Backup files and transfers by PostgreSQL's client programs; no SQL of our tables."""
