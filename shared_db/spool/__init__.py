"""Spool of rows accepted while the database was away: file, queue, replay and repair."""
