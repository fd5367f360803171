"""Courses, enrolments and their import; no features."""
