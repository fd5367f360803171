"""Risks of the students of a course, and their changes."""
