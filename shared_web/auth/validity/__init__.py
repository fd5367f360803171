"""Validity of keys: limits as text, and keys that were revoked without the database."""
