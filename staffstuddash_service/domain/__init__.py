"""Scores of students and cohorts as pure functions; no database, clock, HTTP or settings."""
