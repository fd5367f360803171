"""Spool of rows accepted while the database was away; no HTTP, and no types of a service."""
