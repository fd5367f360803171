"""Retention: rows deleted by age, kind by kind, and the log of erasures beside the backups."""
