"""Courses, enrolments and their import; no clicks, features or predictions."""
