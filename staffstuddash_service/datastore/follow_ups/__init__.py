"""Planned actions and their changes."""
